// Both sides of the boundaries of event delivery: how frames are aligned, which
// gates and handlers are taken, which limits hold, which flags are kept, which
// faults make a double fault. SDM Vol. 3A, 6.10 to 6.15.
#include "cpu/event/event.h"
#include "cpu/memory/mode.h"
#include "cpu/processor/observing.h"
#include "tests/system/bench.h"

enum { VECTOR = 64 };

static enum outcome deliver(struct bench *b, uint8_t type, uint8_t vector, bool has_code) {
    const struct event e = {.vector = vector, .type = type, .has_error_code = has_code, .error_code = has_code ? 6 : 0};
    return event_deliver(b->cpu, &e);
}
static enum outcome external(struct bench *b) { return deliver(b, EVENT_EXTERNAL, VECTOR, false); }
static bool handled(struct bench *b) { return external(b) == OUT_OK && bench_vector(b) == VECTOR; }
static bool refused(struct bench *b, int vector, uint32_t code) {
    return external(b) == OUT_OK && bench_faulted(b, vector, code);
}

// --- the frame, 6.14.2: RSP is aligned down to 16 bytes before the frame is
// pushed ---
static void test_alignment(void) {
    loop_begin("frames in 64-bit mode are aligned to 16 bytes");
    for (uint64_t by = 0; by < 48; by++) {
        uint64_t aligned = by / 16 * 16;
        WITH(b, bench_long(&b, 0)) {
            b.cpu->gpr[RSP] = BENCH_STACK + by;
            loop_check(handled(&b) && b.cpu->gpr[RSP] == BENCH_STACK + aligned - 40, "RSP + %u", (unsigned)by);
        }
        WITH(b, bench_long(&b, 0)) {
            b.cpu->gpr[RSP] = BENCH_STACK + by;
            loop_check(deliver(&b, EVENT_HARDWARE_EXCEPTION, VECTOR_GP, true) == OUT_OK &&
                           b.cpu->gpr[RSP] == BENCH_STACK + aligned - 48,
                       "RSP + %u, error code", (unsigned)by);
        }
        WITH(b, bench_long(&b, 3)) {
            flat_poke(&b.f, BENCH_TSS + 4, BENCH_STACK0 + by);
            loop_check(handled(&b) && b.cpu->gpr[RSP] == BENCH_STACK0 + aligned - 40, "RSP0 + %u", (unsigned)by);
        }
    }
    loop_end();
    loop_begin("the IST has three bits");
    for (unsigned bit = 35; bit < 40; bit++) {
        WITH(b, bench_long(&b, 0)) {
            uint64_t at = BENCH_IDT + 16 * VECTOR;
            flat_poke(&b.f, at, flat_peek(&b.f, at) | BIT(bit));
            b.cpu->gpr[RSP] = BENCH_STACK;
            loop_check(handled(&b) && b.cpu->gpr[RSP] == BENCH_STACK - 40, "bit %u of the gate", bit);
        }
    }
    loop_end();
    loop_begin("IST entries 1 to 7 of the TSS");
    for (unsigned ist = 1; ist < 8; ist++) {
        WITH(b, bench_long(&b, 0)) {
            for (unsigned i = 1; i < 8; i++) flat_poke(&b.f, BENCH_TSS + 28 + 8 * i, BENCH_IST1 + 0x100 * i);
            bench_gate(&b, VECTOR, CODE64, TYPE_INTERRUPT_GATE32, 0, ist);
            loop_check(handled(&b) && b.cpu->gpr[RSP] == BENCH_IST1 + 0x100 * ist - 40, "IST %u", ist);
        }
    }
    loop_end();
}

// --- limits ---
static void test_limits(void) {
    static const unsigned vectors[] = {32, 64, 255};
    loop_begin("the IDT's limit covers the last byte of the gate");
    for (unsigned i = 0; i < 3; i++)
        for (unsigned bytes = 4; bytes <= 16; bytes *= 2)
            for (unsigned more = 0; more < 2; more++) {
                WITH(b, bytes == 16 ? bench_long(&b, 0) : bytes == 8 ? bench_protected(&b, 0) : bench_real(&b)) {
                    b.cpu->gpr[RSP] = bytes == 4 ? 0x8000 : BENCH_STACK;
                    b.cpu->idtr.limit = (uint16_t)(vectors[i] * bytes + bytes - 2 + more);
                    enum outcome outcome = deliver(&b, EVENT_EXTERNAL, (uint8_t)vectors[i], false);
                    int expected = more ? (int)vectors[i] : VECTOR_GP;
                    loop_check(outcome == OUT_OK && bench_vector(&b) == expected, "vector %u, %u bytes, %u", vectors[i],
                               bytes, more);
                }
            }
    loop_end();
}

static void test_real_vectors(void) {
    loop_begin("segment and offset of a real-address mode vector, bit by bit");
    for (unsigned bit = 0; bit < 32; bit++) {
        WITH(b, bench_real(&b)) {
            uint32_t entry = (0x20000000 | (0x100 + VECTOR * 16)) ^ (uint32_t)BIT(bit);
            memcpy(b.f.ram + 4 * VECTOR, &entry, 4);
            loop_check(external(&b) == OUT_OK && b.cpu->segment[CS].selector == entry >> 16 &&
                           b.cpu->rip == (entry & 0xffff) && b.cpu->segment_base[CS] == (entry >> 16) * 16,
                       "bit %u", bit);
        }
    }
    loop_end();
}

// --- gates, 6.11, 6.12.1 ---
static void gate_rights(struct bench *b, unsigned rights) {
    bench_gate(b, VECTOR, cpu_long(b->cpu) ? CODE64 : CODE32, TYPE_INTERRUPT_GATE32, 0, 0);
    uint64_t at = BENCH_IDT + (cpu_long(b->cpu) ? 16 : 8) * VECTOR;
    flat_poke(&b->f, at, (flat_peek(&b->f, at) & ~BITS(47, 40)) | (uint64_t)rights << 40);
}

static void test_gates(void) {
    loop_begin("types of gates");
    for (unsigned type = 0; type < 32; type++) {
        WITH(b, bench_long(&b, 0)) {
            gate_rights(&b, 0x80 | type);
            bool good = type == 14 || type == 15;
            loop_check(good ? handled(&b) : refused(&b, VECTOR_GP, VECTOR * 8 + 3), "IA-32e mode, type %u", type);
        }
        WITH(b, bench_protected(&b, 0)) {
            gate_rights(&b, 0x80 | type);
            bool sixteen = type == 6 || type == 7, good = type == 14 || type == 15;
            uint64_t rip = BENCH_HANDLERS + 16 * VECTOR;
            b.cpu->gpr[RSP] = BENCH_STACK;
            if (type == 5) continue; // a task gate
            if (good || sixteen)
                loop_check(external(&b) == OUT_OK && b.cpu->rip == (sixteen ? rip & 0xffff : rip), "type %u", type);
            else
                loop_check(refused(&b, VECTOR_GP, VECTOR * 8 + 3), "type %u", type);
        }
    }
    loop_end();
    loop_begin("INT n needs a gate of its level, an external interrupt does not");
    for (unsigned dpl = 0; dpl < 4; dpl++)
        for (unsigned cpl = 0; cpl < 4; cpl += 3) {
            WITH(b, bench_long(&b, cpl)) {
                gate_rights(&b, 0x8e | dpl << 5);
                loop_check(handled(&b), "external, DPL %u, CPL %u", dpl, cpl);
            }
            WITH(b, bench_long(&b, cpl)) {
                gate_rights(&b, 0x8e | dpl << 5);
                RUN(&b, 0xcd, VECTOR);
                bool good = cpl <= dpl;
                loop_check(good ? bench_vector(&b) == VECTOR : bench_faulted(&b, VECTOR_GP, VECTOR * 8 + 2),
                           "INT n, DPL %u, CPL %u", dpl, cpl);
            }
        }
    loop_end();
    loop_begin("bits 15:0 of the offset");
    for (unsigned bit = 0; bit < 16; bit++) {
        WITH(b, bench_long(&b, 0)) {
            uint64_t at = BENCH_IDT + 16 * VECTOR;
            flat_poke(&b.f, at, flat_peek(&b.f, at) ^ BIT(bit));
            loop_check(external(&b) == OUT_OK && b.cpu->rip == ((BENCH_HANDLERS + 16 * VECTOR) ^ BIT(bit)), "%u", bit);
        }
    }
    loop_end();
    WITH(b, bench_long(&b, 0)) {
        uint64_t at = BENCH_IDT + 16 * VECTOR;
        flat_poke(&b.f, at, flat_peek(&b.f, at) ^ BIT(63));
        ok(external(&b) == OUT_OK && b.cpu->rip == ((BENCH_HANDLERS + 16 * VECTOR) | BIT(31)),
           "bits 31:16 of the offset");
    }
    WITH(b, bench_long(&b, 0)) {
        flat_poke(&b.f, BENCH_IDT + 16 * VECTOR + 8, 0xffff8000);
        ok(external(&b) == OUT_OK && b.cpu->rip == ((BENCH_HANDLERS + 16 * VECTOR) | 0xffff8000ull << 32),
           "bits 63:32 of the offset");
    }
}

// --- the handler's code segment ---
static void handler(struct bench *b, unsigned rights) {
    bench_descriptor(b, SPARE, 0, 0xfffff, rights);
    bench_gate(b, VECTOR, SPARE, TYPE_INTERRUPT_GATE32, 0, 0);
}

static void test_handlers(void) {
    loop_begin("types of the handler's segment");
    for (unsigned type = 0; type < 32; type++) {
        WITH(b, bench_long(&b, 0)) {
            handler(&b, 0xa080 | type);
            bool good = type >= 0x18;
            loop_check(good ? handled(&b) : refused(&b, VECTOR_GP, SPARE + 1), "type %u", type);
        }
    }
    loop_end();
    loop_begin("its L and D bits in IA-32e mode");
    for (unsigned n = 0; n < 4; n++) {
        WITH(b, bench_long(&b, 0)) {
            handler(&b, 0x809b | n << 13);
            loop_check(n == 1 ? handled(&b) : refused(&b, VECTOR_GP, SPARE + 1), "%u", n);
        }
    }
    loop_end();
    loop_begin("its privilege level");
    for (unsigned n = 0; n < 16; n++) {
        unsigned dpl = n & 3, cpl = n & 4 ? 3 : 0;
        bool conforming = n & 8;
        WITH(b, bench_long(&b, cpl)) {
            flat_poke(&b.f, BENCH_TSS + 12, BENCH_STACK0), flat_poke(&b.f, BENCH_TSS + 20, BENCH_STACK0);
            handler(&b, (conforming ? 0xa09f : 0xa09b) | dpl << 5);
            if (dpl > cpl)
                loop_check(refused(&b, VECTOR_GP, SPARE + 1), "DPL %u, CPL %u", dpl, cpl);
            else
                loop_check(handled(&b) && cpu_cpl(b.cpu) == (conforming ? cpl : dpl) &&
                               b.cpu->segment[CS].selector == (SPARE | cpu_cpl(b.cpu)),
                           "DPL %u, CPL %u, %s", dpl, cpl, conforming ? "conforming" : "not conforming");
        }
    }
    loop_end();
}

// --- flags, 6.12.1.3, 6.8.3, 17.3.1.1 ---
static void test_flags(void) {
    static const struct {
        unsigned type;
        bool keeps_if;
    } gates[] = {{6, false}, {7, true}, {14, false}, {15, true}};
    const uint64_t all = FLAG_TF | FLAG_IF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID | FLAG_IOPL;
    loop_begin("flags that a handler begins with");
    for (unsigned i = 0; i < 4; i++) {
        WITH(b, bench_protected(&b, 0)) {
            b.cpu->gpr[RSP] = BENCH_STACK;
            gate_rights(&b, 0x80 | gates[i].type);
            cpu_set_rflags(b.cpu, all | 2);
            uint64_t expected = FLAG_AC | FLAG_ID | FLAG_IOPL | (gates[i].keeps_if ? FLAG_IF : 0);
            loop_check(external(&b) == OUT_OK && (b.cpu->rflags & all) == expected, "gate type %u", gates[i].type);
        }
    }
    WITH(b, bench_real(&b)) {
        cpu_set_rflags(b.cpu, all | 2);
        loop_check(external(&b) == OUT_OK && (b.cpu->rflags & all) == (FLAG_NT | FLAG_ID | FLAG_IOPL),
                   "real-address mode");
    }
    loop_end();
    loop_begin("RF in the image that an exception saves");
    for (uint8_t vector = 0; vector < 32; vector++)
        for (unsigned rf = 0; rf < 2; rf++) {
            WITH(b, bench_long(&b, 0)) {
                if (rf) cpu_set_rflags(b.cpu, FLAG_RF | 2);
                bool fault = vector != 1 && vector != 3 && vector != 4 && vector != 8 && vector != 18;
                loop_check(deliver(&b, EVENT_HARDWARE_EXCEPTION, vector, false) == OUT_OK &&
                               !!(bench_stack(&b, 2) & FLAG_RF) == (fault || rf),
                           "vector %u", vector);
            }
            WITH(b, bench_long(&b, 0)) {
                if (rf) cpu_set_rflags(b.cpu, FLAG_RF | 2);
                loop_check(deliver(&b, EVENT_SOFTWARE_INTERRUPT, vector, false) == OUT_OK &&
                               !(bench_stack(&b, 2) & FLAG_RF),
                           "INT %u", vector);
            }
            WITH(b, bench_long(&b, 0)) {
                if (rf) cpu_set_rflags(b.cpu, FLAG_RF | 2);
                const struct event e = {.vector = vector, .type = EVENT_HARDWARE_EXCEPTION, .injected = true};
                loop_check(event_deliver(b.cpu, &e) == OUT_OK && !!(bench_stack(&b, 2) & FLAG_RF) == rf,
                           "vector %u, injected", vector);
            }
        }
    loop_end();
    WITH(b, bench_long(&b, 0)) {
        const struct event e = {.vector = VECTOR_DB, .type = EVENT_HARDWARE_EXCEPTION, .payload = DEBUG_BD};
        cpu_set_rflags(b.cpu, FLAG_IF | FLAG_CF | 2);
        ok(event_deliver(b.cpu, &e) == OUT_OK && bench_stack(&b, 2) == (FLAG_RF | FLAG_IF | FLAG_CF | 2),
           "general detection is a fault");
    }
}

// --- faults during delivery, Table 6-5: the gate of the first is absent, which
// is #NP ---
static void test_double_faults(void) {
    loop_begin("which exceptions make a double fault with #NP");
    for (uint8_t vector = 0; vector < 32; vector++) {
        bool contributory = vector == 0 || (vector >= 10 && vector <= 13) || vector == 21;
        bool page_fault = vector == 14 || vector == 20;
        for (unsigned external_event = 0; external_event < 2; external_event++) {
            WITH(b, bench_long(&b, 0)) {
                uint64_t at = BENCH_IDT + 16 * vector;
                flat_poke(&b.f, at, flat_peek(&b.f, at) & ~BIT(47));
                uint8_t type = external_event ? EVENT_EXTERNAL : EVENT_HARDWARE_EXCEPTION;
                enum outcome outcome = deliver(&b, type, vector, false);
                bool twice = !external_event && (contributory || page_fault);
                if (vector == 11) // then #NP cannot be delivered either
                    loop_check(bench_vector(&b) == VECTOR_DF, "vector 11");
                else if (vector == 8 && !external_event)
                    loop_check(outcome == OUT_STOP, "vector 8: shutdown");
                else
                    loop_check(outcome == OUT_OK && bench_vector(&b) == (twice ? VECTOR_DF : VECTOR_NP),
                               "vector %u, %s", vector, external_event ? "external" : "exception");
            }
        }
    }
    loop_end();
    loop_begin("and with #PF");
    for (uint8_t vector = 0; vector < 32; vector++) {
        if (vector == 8) continue;
        WITH(b, bench_long(&b, 0)) {
            bench_gate(&b, VECTOR_PF, CODE64, TYPE_INTERRUPT_GATE32, 0, vector == VECTOR_PF ? 0 : 1);
            bench_gate(&b, VECTOR_DF, CODE64, TYPE_INTERRUPT_GATE32, 0, 1);
            b.cpu->gpr[RSP] = 0x7000000000; // not mapped
            bool twice = vector == 14 || vector == 20;
            loop_check(deliver(&b, EVENT_HARDWARE_EXCEPTION, vector, false) == OUT_OK &&
                           bench_vector(&b) == (twice ? VECTOR_DF : VECTOR_PF),
                       "vector %u", vector);
        }
    }
    loop_end();
    loop_begin("and with #AC, which is benign");
    for (uint8_t vector = 0; vector < 32; vector++) {
        if (vector == 8 || vector == VECTOR_AC) continue;
        WITH(b, bench_protected(&b, 3)) {
            bench_gate(&b, vector, CODE32 | 3, TYPE_INTERRUPT_GATE32, 3, 0);
            bench_descriptor(&b, SPARE, 0, 0xfffff, 0xc0fb);
            bench_gate(&b, vector, SPARE | 3, TYPE_INTERRUPT_GATE32, 3, 0);
            b.cpu->control.cr0 |= CR0_AM;
            cpu_set_rflags(b.cpu, FLAG_AC | 2);
            b.cpu->gpr[RSP] = BENCH_STACK + 2;
            loop_check(deliver(&b, EVENT_HARDWARE_EXCEPTION, vector, false) == OUT_OK && bench_vector(&b) == VECTOR_AC,
                       "vector %u: %d", vector, bench_vector(&b));
        }
    }
    loop_end();
}

// --- virtual-8086 mode, 20.3: GS, FS, DS, ES, SS, ESP, EFLAGS, CS, EIP ---
static void test_vm86(void) {
    WITH(b, bench_vm86(&b, 3)) {
        for (unsigned s = ES; s <= GS; s++)
            if (s != CS && s != SS) b.cpu->segment[s].selector = (uint16_t)(0x1110 * (s + 1));
        ok(handled(&b) && bench_stack(&b, 5) == 0x1110u * (ES + 1) && bench_stack(&b, 6) == 0x1110u * (DS + 1) &&
               bench_stack(&b, 7) == 0x1110u * (FS + 1) && bench_stack(&b, 8) == 0x1110u * (GS + 1),
           "the data segments in their order");
        loop_begin("all are null then");
        for (unsigned s = ES; s <= GS; s++)
            if (s != CS && s != SS)
                loop_check(!b.cpu->segment[s].selector && b.cpu->segment[s].rights & RIGHTS_UNUSABLE, "%u", s);
        loop_end();
    }
    for (unsigned type = 6; type <= 15; type++) {
        if (type > 7 && type < 14) continue;
        WITH(b, bench_protected(&b, 3)) {
            gate_rights(&b, 0x80 | type);
            ok(external(&b) == OUT_OK && b.cpu->gpr[RSP] == BENCH_STACK0 - (type < 8 ? 10 : 20),
               "a gate of type %u to an inner level", type);
        }
    }
    WITH(b, bench_protected(&b, 3)) {
        b.cpu->gpr[RSP] = 0x123450;
        ok(handled(&b) && b.cpu->gpr[RSP] == BENCH_STACK0 - 20 && b.cpu->segment[DS].selector == (DATA3 | 3) &&
               b.cpu->segment[GS].selector == (DATA3 | 3),
           "outside it they stay, and are not saved");
    }
}

// --- #DB and debug registers, Vol. 3B, 17.2.3, 17.4.2 ---
static void test_debug(void) {
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[6] = 0xffff0fff;
        b.cpu->control.dr[7] = 0x27ff;
        b.cpu->msr.debugctl = 3;
        const struct event e = {.vector = VECTOR_DB, .type = EVENT_HARDWARE_EXCEPTION, .payload = 4};
        ok(event_deliver(b.cpu, &e) == OUT_OK && b.cpu->control.dr[6] == 0xffff0ff4, "B0 to B3 are replaced");
        ok(b.cpu->control.dr[7] == 0x07ff, "DR7.GD alone is cleared");
        ok(b.cpu->msr.debugctl == 0, "LBR and BTF are cleared");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.dr[7] = 0x2400;
        ok(deliver(&b, EVENT_SOFTWARE_INTERRUPT, VECTOR_DB, false) == OUT_OK && b.cpu->control.dr[7] == 0x2400,
           "INT 1 is no #DB");
    }
    WITH(b, bench_long(&b, 0)) {
        b.cpu->control.cr2 = 77;
        ok(deliver(&b, EVENT_EXTERNAL, VECTOR_PF, false) == OUT_OK && b.cpu->control.cr2 == 77,
           "an external interrupt of vector 14 is no #PF");
    }
}

// A breakpoint that MOV SS held back: with a #DB it is reported, another event
// leaves it pending, without the single step.
static void test_held_debug(void) {
    for (unsigned debug = 0; debug < 2; debug++) {
        WITH(b, bench_long(&b, 0)) {
            const struct event e = {
                .vector = debug ? VECTOR_DB : VECTOR_UD, .type = EVENT_HARDWARE_EXCEPTION, .payload = debug ? 8 : 0};
            b.cpu->boundary.pending_debug = 3 | DEBUG_BS;
            b.cpu->control.dr[6] = 0xffff0ff0;
            loop_begin(debug ? "held-back breakpoints come with a #DB" : "or after another event");
            loop_check(event_deliver(b.cpu, &e) == OUT_OK, "delivered");
            loop_check(b.cpu->control.dr[6] == (debug ? 0xffff0ffb : 0xffff0ff0), "DR6 is %llx",
                       (unsigned long long)b.cpu->control.dr[6]);
            loop_check(b.cpu->boundary.pending_debug == (debug ? 0 : 3), "pending: %llx",
                       (unsigned long long)b.cpu->boundary.pending_debug);
            loop_check(!!(b.cpu->boundary.pending & PENDING_DEBUG) == !debug, "at the next boundary");
            loop_end();
        }
    }
}

// --- what observers are told ---
static struct sight seen;
static void see(void *context, struct cpu *cpu, const struct sight *sight) {
    (void)context, (void)cpu;
    seen = *sight;
}

static void test_told(void) {
    static const uint8_t types[] = {EVENT_EXTERNAL,           EVENT_NMI,
                                    EVENT_HARDWARE_EXCEPTION, EVENT_SOFTWARE_INTERRUPT,
                                    EVENT_SOFTWARE_EXCEPTION, EVENT_PRIVILEGED_SOFTWARE_EXCEPTION};
    loop_begin("interrupts and exceptions are told as such");
    for (unsigned i = 0; i < sizeof types; i++) {
        WITH(b, bench_long(&b, 0)) {
            struct observer observer = {.wanted = BIT(OBSERVE_INTERRUPT) | BIT(OBSERVE_EXCEPTION), .see = see};
            cpu_observe(b.cpu, &observer);
            seen = (struct sight){.kind = 255};
            bool interrupt =
                types[i] == EVENT_EXTERNAL || types[i] == EVENT_NMI || types[i] == EVENT_SOFTWARE_INTERRUPT;
            loop_check(deliver(&b, types[i], 33, false) == OUT_OK &&
                           seen.kind == (interrupt ? OBSERVE_INTERRUPT : OBSERVE_EXCEPTION) && seen.number == 33,
                       "type %u", types[i]);
            cpu_observe(b.cpu, NULL);
        }
    }
    loop_end();
}

int main(void) {
    test_alignment();
    test_limits();
    test_real_vectors();
    test_gates();
    test_handlers();
    test_flags();
    test_double_faults();
    test_vm86();
    test_debug();
    test_held_debug();
    test_told();
    return done_testing();
}
