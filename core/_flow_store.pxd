from libc.stdint cimport int32_t, uint8_t


cdef class FlowStore:
    cdef readonly Py_ssize_t width     # columns of the totals
    cdef Py_ssize_t pools              # how many there are, and so on
    cdef Py_ssize_t origins
    cdef Py_ssize_t places
    cdef Py_ssize_t flows
    cdef Py_ssize_t processes
    cdef Py_ssize_t tanks
    cdef Py_ssize_t blocks

    # Pools are renumbered, a block's are neighbours (see flow_order).
    cdef const int32_t[::1] numbers       # of each pool: its number outside
    cdef const int32_t[::1] block_starts  # where each block's pools start
    cdef const int32_t[::1] take_starts   # where each block's takes start
    cdef const int32_t[::1] give_starts   # where each process's gives start
    cdef const int32_t[::1] inflows       # pool, origin, flow
    cdef const int32_t[::1] outflows      # pool, place, flow
    cdef const int32_t[::1] takes         # process, pool, flow
    cdef const int32_t[::1] gives         # process, pool, flow
    cdef const int32_t[::1] burns         # process, origin, flow
    cdef const int32_t[::1] stores        # pool, place, charge, discharge, unknown
    cdef const int32_t[::1] bonuses       # process, pool, flow, origin
    cdef const int32_t[::1] idle          # place of each process
    cdef const int32_t[::1] losses        # place of what each loses; -1: none
    cdef const int32_t[::1] remainders    # place of each pool
    cdef const int32_t[::1] unmeasured    # origin of each pool
    cdef const double[::1] bands          # of each flow: rate below which it is 0
    cdef const double[::1] weights        # of each give
    cdef const double[::1] efficiencies   # of each tank

    cdef double[::1] energy        # what each tank has to give
    cdef double[::1] contents      # by tank and origin

    cdef double[::1] below         # of each flow: what dead bands held back so far

    cdef double[::1] q             # quantities of the tick, after dead bands
    cdef double[::1] alpha         # of each give: its share of the process's burden
    cdef double[::1] excess        # of each give: what the process did not take
    cdef double[::1] lost          # of each process: part of what it takes
    cdef uint8_t[::1] is_idle      # of each process: no output in this tick
    cdef double[::1] into          # of each pool: what enters
    cdef double[::1] rest          # of each pool: what leaves, later its remainder
    cdef double[::1] through       # of each pool: all that leaves
    cdef double[::1] exits         # of each pool: what leaves its block
    cdef double[::1] burden        # by pool and origin: what enters
    cdef double[::1] share         # by pool and origin: make-up of a unit
    cdef int32_t[::1] columns      # by pool: the origins of which it has any
    cdef int32_t[::1] counts       # of each pool: how many these are
    cdef uint8_t[::1] condition    # of each pool
    cdef uint8_t[::1] kind         # of each pool: open, closed or last (see _loop)
    cdef double[::1] pivot         # of each pool
    cdef double[::1] matrix        # flows between the pools of a block: [to, from]
    cdef double[::1] packed        # burdens, then shares of a block: those not all 0
    cdef int32_t[::1] stack        # pools of a block to look at

    cdef double* sums              # the caller's totals, during solve
    cdef double* carries           # their compensation

    cdef _lay_out(self, tables)
    cdef _allocate(self)
