// The gdb server over a socket pair: packets as gdb sends them, wrong ones, and random ones by the thousand. None of
// them ends the server, makes it wait for ever, or changes the machine unless it says so.
#include "cpu/state/cpu.h"
#include "devices/machine/machine_observe.h"
#include "monitor/gdb/gdb.h"
#include "tests/field.h"
#include "tests/door.h"
#include "tests/tap.h"
#include "cpu/memory/mode.h"
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CODE = 0x100000, STEPS_A_RUN = 2000 };

static struct {
    struct machine *machine;
    unsigned runs, altered;
    bool fixed; // nothing can be changed by hand
    bool killed;
} host;

// A run that nobody stops is over after a while.
static enum gdb_ran run(void *context, uint64_t steps) {
    (void)context;
    if (++host.runs % 50 == 0) return GDB_OVER;
    enum machine_stop why = machine_run(host.machine, steps < STEPS_A_RUN ? steps : STEPS_A_RUN);
    return why == MACHINE_OBSERVED ? GDB_STOPPED : why == MACHINE_STEPS ? GDB_RAN : GDB_OVER;
}
static void kill_run(void *context) {
    (void)context;
    host.killed = true;
}
static void altered(void *context) {
    (void)context;
    host.altered++;
}
static void command(void *context, const char *line, void (*write)(void *to, const char *text, size_t bytes),
                    void *to) {
    (void)context;
    write(to, line, strlen(line));
}

// 64-bit mode is not needed: real-address mode, a loop that counts in memory.
static struct machine *new_machine(void) {
    static const uint8_t code[] = {0xff, 0x06, 0x00, 0x20,
                                   0x40, 0x90, 0xeb, 0xf8}; // inc word [2000h]; inc ax; nop; jmp
    char error[200];
    struct machine_config config;
    machine_config_default(&config);
    config.ram_bytes = 2 << 20;
    config.cpus = 2;
    if (!cpu_model_parse("server", &config.model, error, sizeof error)) bail("%s", error);
    struct machine *machine = machine_new(&config, error, sizeof error);
    if (!machine) bail("%s", error);
    struct cpu *cpu = inside_cpu(machine, 0);
    memcpy(inside_ram(machine, 0x1000, sizeof code), code, sizeof code);
    field_put_at(cpu, "segment[].selector", CS, 0);
    field_put_at(cpu, "segment_base", CS, 0);
    field_put(cpu, "rip", 0x1000);
    cpu_update_mode(cpu);
    return machine;
}

static const char *fixed(void *context);
static struct gdb *server;
static int client;

static void begin(void) {
    int ends[2];
    const struct gdb_host callbacks = {
        .machine = host.machine, .run = run, .kill = kill_run, .command = command, .altered = altered, .fixed = fixed};
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) bail("no socket pair");
    server = gdb_open_connected(ends[0], &callbacks);
    client = ends[1];
    if (!server) bail("no server");
}

static char answers[1 << 20];

static const char *fixed(void *context) {
    (void)context;
    return host.fixed ? "that is over" : NULL;
}

static void *take_answers(void *unused) {
    char more[4096];
    size_t used = 0;
    for (ssize_t n; (n = read(client, more, sizeof more)) > 0;) {
        size_t room = sizeof answers - 1 - used, taken = (size_t)n < room ? (size_t)n : room;
        memcpy(answers + used, more, taken);
        used += taken;
    }
    answers[used] = 0;
    return unused;
}

// All of the bytes, then the end: the server comes back when it has read everything.
static char *exchange(const void *bytes, size_t count) {
    pthread_t taker;
    begin();
    if (pthread_create(&taker, NULL, take_answers, NULL) != 0) bail("no thread");
    if (write(client, bytes, count) != (ssize_t)count) bail("the socket takes no more");
    shutdown(client, SHUT_WR);
    gdb_serve(server, false);
    gdb_close(server);
    pthread_join(taker, NULL);
    close(client);
    return answers;
}

// Packets, separated by line ends, framed as gdb does.
static char *ask(const char *lines) {
    char framed[1 << 16];
    size_t used = 0;
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        uint8_t sum = 0;
        for (size_t i = 0; i < n; i++) sum = (uint8_t)(sum + (uint8_t)lines[i]);
        used += (size_t)snprintf(framed + used, sizeof framed - used, "$%.*s#%02x", (int)n, lines, sum);
        lines += n + (lines[n] == '\n');
    }
    return exchange(framed, used);
}

static bool has(const char *said, const char *part) {
    if (strstr(said, part)) return true;
    diag("%.300s", said);
    return false;
}

static void test_answers(void) {
    ok(has(ask("qSupported:multiprocess+;swbreak+\n?"), "T05thread:p1.1;"), "where the machine stands");
    ok(has(ask("?"), "T05thread:1;"), "for a client without processes too");
    ok(has(ask("QStartNoAckMode\nqC"), "+$OK#9a$QC1#c5"), "no more acknowledgements");
    ok(has(ask("p10"), "$0010000000000000#"), "a register: RIP");
    ok(has(ask("Hg2\np10"), "$f0ff000000000000#"), "that of another processor");
    ok(has(ask("m1000,4"), "$ff060020#"), "memory");
    ok(strlen(ask("m1000,4000")) > 0x8000, "as much as a packet holds");
    ok(has(ask("qCRC:1000,4"), "$Cd49420f2#"), "its checksum");
    ok(has(ask("qCRC:1ffff0,100"), "$E01#") && has(ask("qCRC:0,ffffffffffff"), "$E01#"), "which there may not be");
    ok(has(ask("qCurious"), "+$#00"), "a packet that only begins like another one");
    ok(has(ask("m1ffffe,8"), "$0000#"), "memory up to its end");
    ok(has(ask("m200000,8"), "$E01#"), "no memory");
    ok(has(ask("qXfer:features:read:target.xml:40,100"), "$l#"), "a document's end, where none was begun");
    ok(has(ask("qXfer:features:read:target.xml:0,100"), "$m<?xml"), "the description of registers");
    ok(has(ask("qXfer:threads:read::0,4000"), "thread id=\"2\" core=\"1\""), "the threads");
    ok(has(ask("qRcmd,686921"), "$O686921#"), "a command of the monitor");
    ok(has(ask("vNonsense\nqNonsense"), "+$#00+$#00"), "unknown packets are answered as such");
}

static void test_running(void) {
    ok(has(ask("qSupported:multiprocess+;swbreak+\nvCont;s:p1.1\np10"), "T05thread:p1.1;#a6+$0410000000000000#"),
       "a step");
    ok(has(ask("qSupported:multiprocess+;swbreak+\nZ0,1005,1\nvCont;c\np10\nz0,1005,1"),
           "T05thread:p1.1;swbreak:;#0a+$0510000000000000#"),
       "a breakpoint");
    ok(has(ask("qSupported:multiprocess+\nvCont;r1004,1006:p1.1\np10"), "$0610000000000000#"),
       "a step through a range");
    ok(has(ask("qSupported:multiprocess+\nZ2,2000,2\nvCont;c\np10\nz2,2000,2"), "watch:2000;#"), "a watchpoint");
    ok(host.altered == 0, "nothing was changed by hand");
    ok(has(ask("M2100,2:abcd\nm2100,2"), "$abcd#") && host.altered == 1, "memory is written");
    ok(has(ask("P1=efbeadde00000000\np1"), "$efbeadde00000000#") && host.altered == 2, "and a register");
    ok(has(ask("P6e=0100000000000000"), "$E.") && host.altered == 2, "what cannot be written says why");
    ok(has(ask("G00112233"), "$E01#"), "all registers, cut off");
    host.killed = false;
    ok(has(ask("qSupported:multiprocess+\nvAttach;2\nvKill;2\nqC"), "$OK#") && !host.killed && has(answers, "$QCp1.1#"),
       "one of two processes is killed: the other one is there");
    ok(has(ask("vKill;1"), "$OK#") && host.killed, "with the last one the run ends");
    host.fixed = true;
    ok(has(ask("P1=1122334455667788\np1"), "$E.that is over#") && has(answers, "$efbeadde00000000#"),
       "in the past no register is written");
    ok(has(ask("M2100,2:1234\nm2100,2"), "$E.that is over#") && has(answers, "$abcd#"), "no memory either");
    ok(has(ask("X2100,1:a\nX2100,0:"), "$E.that is over#") && has(answers, "$OK#"), "but gdb may ask for binary data");
    ok(has(ask("G00112233"), "$E.that is over#") && host.altered == 2, "nor all registers");
    host.fixed = false;
    uint64_t hash = machine_hash(host.machine);
    (void)ask("Z0,1000,1\nZ1,1004,1\nZ2,2000,4\nZ3,2000,1\nZ4,2002,2");
    ok(hash == machine_hash(host.machine), "breakpoints of a client that went are gone, and were no change");
    ok(machine_run(host.machine, 100) == MACHINE_STEPS, "nor do they stop the machine any more");
}

// --- random packets ---

static uint64_t random_next(uint64_t *s) {
    *s ^= *s << 13;
    *s ^= *s >> 7;
    return *s ^= *s << 17;
}

static size_t random_packet(uint64_t *seed, char *out, size_t size) {
    static const char *const beginnings[] = {"?",
                                             "!",
                                             "g",
                                             "G",
                                             "p",
                                             "P",
                                             "m",
                                             "M",
                                             "X",
                                             "Z0,",
                                             "z0,",
                                             "Z2,",
                                             "Z9,",
                                             "Hg",
                                             "Hc",
                                             "T",
                                             "c",
                                             "s",
                                             "C05",
                                             "S05",
                                             "vCont?",
                                             "vCont;",
                                             "vCont;r",
                                             "vCont;s:p",
                                             "vAttach;",
                                             "vKill;",
                                             "D",
                                             "D;",
                                             "qC",
                                             "qSupported:",
                                             "QStartNoAckMode",
                                             "qfThreadInfo",
                                             "qsThreadInfo",
                                             "qThreadExtraInfo,",
                                             "qXfer:features:read:target.xml:",
                                             "qXfer:threads:read::",
                                             "qXfer:memory-map:read::",
                                             "qRcmd,",
                                             "qSymbol",
                                             "M1000,2:",
                                             "X2000,4:",
                                             "P10=",
                                             "qCRC:",
                                             "vCont;c:p-1.-1",
                                             "Hgp1.",
                                             "Hgp0.0"};
    static const char letters[] = "0123456789abcdef0123456789abcdef,;:.=-p}*#$ \x01\xff";
    size_t n = 0, more = random_next(seed) % 40;
    if (random_next(seed) % 200 == 0) more = random_next(seed) % (size - 100);
    const char *beginning = beginnings[random_next(seed) % (sizeof beginnings / sizeof beginnings[0])];
    if (random_next(seed) % 16) n = (size_t)snprintf(out, size, "%s", beginning);
    while (more--) out[n++] = letters[random_next(seed) % (sizeof letters - 1)];
    return n;
}

static size_t random_frame(uint64_t *seed, char *out, size_t size) {
    size_t n = 0;
    uint8_t sum = 0;
    if (random_next(seed) % 20 == 0) out[n++] = "\x03+-x#$"[random_next(seed) % 6];
    out[n++] = '$';
    size_t text = n, bytes = random_packet(seed, out + n, size - 10);
    for (size_t i = 0; i < bytes; i++) sum = (uint8_t)(sum + (uint8_t)out[text + i]);
    n += bytes;
    if (random_next(seed) % 32 == 0) sum ^= 1;
    if (random_next(seed) % 64) n += (size_t)snprintf(out + n, 4, "#%02x", sum);
    return n;
}

// What is half a packet, or more than one, moves nothing and ends nothing.
static void test_grammar(void) {
    static const char *const wrong[] = {
        "vCont;",   "vCont;c;", "vCont;;c", "vCont;C", "vCont;c:", "vCont;sx", "c1000", "cx",   "sx",        "C",
        "C05;1000", "Sx",       "vKill;",   "vKill;x", "vKill;1x", "D;",       "Dx",    "D;1x", "vAttach;1x"};
    loop_begin("packets with half of their grammar");
    for (unsigned i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        uint64_t before = machine_steps(host.machine);
        loop_check(has(ask(wrong[i]), "$E01#"), "%s", wrong[i]);
        loop_check(machine_steps(host.machine) == before, "%s", wrong[i]);
    }
    loop_end();
}

static void test_random(void) {
    enum { CONVERSATIONS = 300, PACKETS = 40, ROOM = 60000 };
    static char bytes[ROOM + 40000];
    uint64_t seed = 0x9e3779b97f4a7c15;
    loop_begin("random conversations come to their end");
    for (unsigned i = 0; i < CONVERSATIONS; i++) {
        size_t used = 0;
        for (unsigned p = 0; p < PACKETS && used < ROOM; p++) used += random_frame(&seed, bytes + used, 40000);
        (void)exchange(bytes, used);
        loop_check(machine_run(host.machine, 10) != MACHINE_OBSERVED, "a point is left behind");
    }
    loop_end();
}

// Any value in any register, and some steps with it. Two steps, or the machine loses itself in HLT.
static void test_registers(void) {
    enum { ROUNDS = 8, REGISTERS = 320, VMCS = 0x6f, DIGITS = 32, VMCS_DIGITS = 2000 };
    static char text[1 << 16];
    uint64_t seed = 0x2545f4914f6cdd1d;
    loop_begin("no value of a register is too much");
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct machine *before = host.machine;
        host.machine = new_machine();
        for (unsigned n = 0; n < REGISTERS; n++) {
            size_t used = (size_t)snprintf(text, sizeof text, "qSupported:multiprocess+\nP%x=", n);
            for (unsigned i = 0; i < (n == VMCS ? VMCS_DIGITS : DIGITS); i++) {
                unsigned digit = round == 0 ? 15 : (unsigned)(random_next(&seed) % 16);
                used += (size_t)snprintf(text + used, sizeof text - used, "%x", digit);
            }
            (void)snprintf(text + used, sizeof text - used, "\nvCont;s:p1.1\ng\nm0,10");
            loop_check(strchr(ask(text), '$') != NULL, "register %u", n);
        }
        (void)machine_run(host.machine, 1000);
        machine_free(host.machine);
        host.machine = before;
    }
    loop_end();
}

static void test_pieces(void) {
    static char long_one[100000];
    memset(long_one, 'a', sizeof long_one);
    long_one[0] = '$';
    ok(!strstr(exchange(long_one, sizeof long_one), "$"), "a packet without end is not answered");
    ok(!*exchange("$", 1) && !*exchange("$g#", 3) && !*exchange("$g#6", 4), "nor is one that breaks off");
    ok(strcmp(exchange("$g#00", 5), "-") == 0, "one with a wrong checksum is asked for again");
    ok(has(exchange("+++$qC#b4-", 10), "+$QC1#c5$QC1#c5"), "an answer is sent again on request");
    ok(has(exchange("\x03\x03$qC#b4", 8), "$QC1#"), "interrupts while the machine stands still mean nothing");
}

int main(void) {
    host.machine = new_machine();
    test_answers();
    test_pieces();
    test_running();
    test_grammar();
    test_random();
    test_registers();
    machine_free(host.machine);
    return done_testing();
}
