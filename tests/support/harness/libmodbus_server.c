/* Units that libmodbus serves, as its own manual has a server do it.
 *
 * usage: libmodbus_server rtu PATH | libmodbus_server tcp
 *
 * What the units contain comes as lines on stdin; all of them contain the same:
 *   unit NUMBER
 *   table FUNCTION VALUE...             what function 1 to 4 reads from address 0 on
 *   value TYPE ORDER ADDRESS NUMBER     into the table of function 3, by the macros
 *                                       and functions of libmodbus
 *   refuse ADDRESS CODE                 reads that cover it, by an exception
 *   delay ADDRESS MS                    reads that cover it
 *   serve
 * Then a line is printed (with tcp: the port) and requests are served until stdin
 * ends. Exit 3: a request came that only reads of single units should never be. */

#include <errno.h>
#include <modbus/modbus.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <arpa/inet.h>
#include <time.h>
#include <unistd.h>

enum { SIZE = 65536, LINE = 1 << 17 };

static int there[256];
static int refusal[SIZE];
static int delay_ms[SIZE];
static modbus_mapping_t *map;

static void fail(const char *what)
{
    fprintf(stderr, "libmodbus_server: %s: %s\n", what, modbus_strerror(errno));
    exit(1);
}

static void fill(int function, char *words)
{
    int place = 0;
    for (char *word = strtok(words, " \n"); word; word = strtok(NULL, " \n"), place++)
        switch (function) {
        case 1: map->tab_bits[place] = atoi(word); map->nb_bits = place + 1; break;
        case 2: map->tab_input_bits[place] = atoi(word); map->nb_input_bits = place + 1; break;
        case 3: map->tab_registers[place] = atoi(word); map->nb_registers = place + 1; break;
        case 4: map->tab_input_registers[place] = atoi(word); map->nb_input_registers = place + 1; break;
        }
}

/* Of libmodbus 3.1.6 not each setter writes what the getter of its name reads. The
 * getters have the names right, so they choose the setter. */
static void encode_float(const char *order, float value, uint16_t *into)
{
    static const struct {
        const char *order;
        void (*set)(float, uint16_t *);
        float (*get)(const uint16_t *);
    } kinds[] = {
        {"ABCD", modbus_set_float_abcd, modbus_get_float_abcd},
        {"BADC", modbus_set_float_badc, modbus_get_float_badc},
        {"CDAB", modbus_set_float_cdab, modbus_get_float_cdab},
        {"DCBA", modbus_set_float_dcba, modbus_get_float_dcba},
    };
    for (int get = 0; get < 4; get++)
        for (int set = 0; strcmp(kinds[get].order, order) == 0 && set < 4; set++) {
            kinds[set].set(value, into);
            if (kinds[get].get(into) == value)
                return;
        }
    fail("no function writes this float");
}

static void encode(const char *type, const char *order, int address, const char *number)
{
    uint16_t *into = map->tab_registers + address;
    if (strcmp(type, "f32") == 0)
        encode_float(order, strtof(number, NULL), into);
    else if (strcmp(type, "i32") == 0)
        MODBUS_SET_INT32_TO_INT16(into, 0, (int32_t)strtoll(number, NULL, 10));
    else if (strcmp(type, "i64") == 0)
        MODBUS_SET_INT64_TO_INT16(into, 0, strtoll(number, NULL, 10));
}

static void learn(void)
{
    static char line[LINE];
    char type[8], order[8], number[32];
    int first, second, used;
    while (fgets(line, LINE, stdin)) {
        if (sscanf(line, "unit %d", &first) == 1)
            there[first] = 1;
        else if (sscanf(line, "table %d %n", &first, &used) == 1)
            fill(first, line + used);
        else if (sscanf(line, "value %7s %7s %d %31s", type, order, &first, number) == 4)
            encode(type, order, first, number);
        else if (sscanf(line, "refuse %d %d", &first, &second) == 2)
            refusal[first] = second;
        else if (sscanf(line, "delay %d %d", &first, &second) == 2)
            delay_ms[first] = second;
        else if (strcmp(line, "serve\n") == 0)
            return;
        else
            break;
    }
    fprintf(stderr, "libmodbus_server: what is \"%s\"?\n", line);
    exit(1);
}

static void answer(modbus_t *line, const uint8_t *request, int size)
{
    const uint8_t *unit = request + modbus_get_header_length(line) - 1;
    int address = unit[2] << 8 | unit[3], count = unit[4] << 8 | unit[5];
    int code = 0, wait_ms = 0;
    if (unit[0] == 0 || unit[0] > 247 || unit[1] < 1 || unit[1] > 4) {
        fprintf(stderr, "libmodbus_server: unit %d, function %d\n", unit[0], unit[1]);
        exit(3);
    }
    if (!there[unit[0]])
        return;
    for (int place = address; place < address + count && place < SIZE; place++) {
        code = code ? code : refusal[place];
        wait_ms += delay_ms[place];
    }
    if (wait_ms) {
        struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000L};
        nanosleep(&wait, NULL);
    }
    if (code)
        modbus_reply_exception(line, request, code);
    else
        modbus_reply(line, request, size, map);
}

static modbus_t *serial(const char *path, int unit)
{
    modbus_t *line = modbus_new_rtu(path, 115200, 'N', 8, 1);
    if (line == NULL || modbus_set_slave(line, unit) || modbus_connect(line))
        fail(path);
    return line;
}

/* Serve one request; return 0 when the connection is over. */
static int serve(modbus_t **line, const char *path)
{
    uint8_t request[MODBUS_MAX_ADU_LENGTH];
    int size = modbus_receive(*line, request);
    if (size == 0 && path) {
        /* For another unit than the last one: its CRC was not looked at, and what
         * comes next would be taken for that unit's reply. */
        modbus_close(*line);
        modbus_free(*line);
        *line = serial(path, request[0]);
        size = 8;
    }
    if (size > 0)
        answer(*line, request, size);
    return size >= 0 || (path && errno == EMBBADCRC);
}

int main(int argc, char **argv)
{
    const char *path = argc == 3 ? argv[2] : NULL;
    int listener = -1, connected = path != NULL;
    modbus_t *line = path ? serial(path, 1) : modbus_new_tcp("127.0.0.1", 0);
    map = modbus_mapping_new(SIZE, SIZE, SIZE, SIZE);
    if (line == NULL || map == NULL)
        fail("new");
    map->nb_bits = map->nb_input_bits = map->nb_registers = map->nb_input_registers = 0;
    learn();
    if (path) {
        puts("serving");
    } else {
        struct sockaddr_in name;
        socklen_t length = sizeof name;
        listener = modbus_tcp_listen(line, 4);
        if (listener < 0 || getsockname(listener, (struct sockaddr *)&name, &length))
            fail("listen");
        printf("%d\n", ntohs(name.sin_port));
    }
    fflush(stdout);
    for (;;) {
        struct pollfd watch[2] = {
            {.fd = STDIN_FILENO, .events = POLLIN},
            {.fd = connected ? modbus_get_socket(line) : listener, .events = POLLIN},
        };
        if (poll(watch, 2, -1) < 0)
            fail("poll");
        if (watch[0].revents)
            return 0;
        if (!connected)
            connected = modbus_tcp_accept(line, &listener) >= 0;
        else if (!serve(&line, path)) {
            if (path)
                fail("receive");
            modbus_close(line);
            connected = 0;
        }
    }
}
