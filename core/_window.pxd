# Adds value to a total whose rounding errors are collected in carry (Neumaier 1974).
cdef void add(double* total, double* carry, double value) noexcept nogil
