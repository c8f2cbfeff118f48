/* libmodbus, reading for ever; counts as tally.py does.
 *
 * usage: libmodbus_loop PORT BAUD TIMEOUT_US TALLY (UNIT ADDRESS COUNT)...
 * A time-out of 0 leaves the library's own, and what came behind an error. */

#include <fcntl.h>
#include <modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { TRANSACTIONS, RIGHT, WRONG, FAILED, FIELDS };

int main(int argc, char **argv)
{
    uint16_t registers[MODBUS_MAX_READ_REGISTERS];
    int file = open(argv[4], O_RDWR);
    volatile uint64_t *tally = mmap(NULL, FIELDS * sizeof *tally,
                                    PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    modbus_t *line = modbus_new_rtu(argv[1], atoi(argv[2]), 'N', 8, 1);
    if (tally == MAP_FAILED || line == NULL || modbus_connect(line) != 0) {
        fprintf(stderr, "libmodbus_loop: port or tally cannot be opened\n");
        return 1;
    }
    if (atoi(argv[3]) > 0)
        modbus_set_response_timeout(line, 0, atoi(argv[3]));
    for (;;)
        for (int i = 5; i + 2 < argc; i += 3) {
            int unit = atoi(argv[i]);
            int address = atoi(argv[i + 1]), count = atoi(argv[i + 2]);
            modbus_set_slave(line, unit);
            int got = modbus_read_input_registers(line, address, count, registers);
            tally[TRANSACTIONS]++;
            if (got != count) {
                tally[FAILED]++;
                if (atoi(argv[3]) > 0)
                    modbus_flush(line); /* or what follows is read for ever after */
                continue;
            }
            for (int r = 0; r < count; r += 2) {
                float expected = (float)(1000 * unit + address + r);
                int right = modbus_get_float_abcd(registers + r) == expected;
                tally[right ? RIGHT : WRONG]++;
            }
        }
}
