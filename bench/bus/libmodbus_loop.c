/* libmodbus reading the blocks of plant.py, as one would use it.
 *
 * usage: libmodbus_loop PORT BAUD POLLS UNIT... -- ADDRESS COUNT...
 * Prints the sums that exchange_loop.py prints, taken with the same clocks. */

#include <errno.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

static int64_t clock_ns(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static long switches(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nvcsw;
}

static int right(int unit, int address, int count, const uint16_t *registers)
{
    for (int i = 0; i < count; i += 2)
        if (modbus_get_float_abcd(registers + i) != (float)(1000 * unit + address + i))
            return 0;
    return 1;
}

static int fail(const char *what)
{
    fprintf(stderr, "libmodbus_loop: %s: %s\n", what, modbus_strerror(errno));
    return 1;
}

int main(int argc, char **argv)
{
    uint16_t registers[MODBUS_MAX_READ_REGISTERS];
    int64_t cpu_ns = 0, wall_ns;
    long transactions = 0, slept;
    int split = 4;
    while (split < argc && strcmp(argv[split], "--") != 0)
        split++;
    /* A pty does not mind; where there is no pace, one must be named. */
    int baud = atoi(argv[2]) ? atoi(argv[2]) : 115200;
    modbus_t *line = modbus_new_rtu(argv[1], baud, 'N', 8, 1);
    if (line == NULL || modbus_connect(line) != 0)
        return fail("port");
    modbus_set_response_timeout(line, 1, 0);
    wall_ns = clock_ns(CLOCK_MONOTONIC);
    slept = switches();
    for (int poll = 0; poll < atoi(argv[3]); poll++)
        for (int u = 4; u < split; u++)
            for (int b = split + 1; b + 1 < argc; b += 2) {
                int unit = atoi(argv[u]);
                int address = atoi(argv[b]), count = atoi(argv[b + 1]);
                modbus_set_slave(line, unit);
                int64_t before_ns = clock_ns(CLOCK_THREAD_CPUTIME_ID);
                int got = modbus_read_input_registers(line, address, count, registers);
                cpu_ns += clock_ns(CLOCK_THREAD_CPUTIME_ID) - before_ns;
                if (got != count)
                    return fail("read");
                if (!right(unit, address, count, registers))
                    return fail("values are wrong");
                transactions++;
            }
    wall_ns = clock_ns(CLOCK_MONOTONIC) - wall_ns;
    printf("{\"transactions\": %ld, \"cpu_ns\": %lld, \"wall_ns\": %lld, \"switches\": %ld}\n",
           transactions, (long long)cpu_ns, (long long)wall_ns, switches() - slept);
    modbus_close(line);
    modbus_free(line);
    return 0;
}
