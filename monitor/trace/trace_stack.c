// Who runs and on whose behalf, found from VM exits and entries alone.
//
// A VM exit of level k ends its run, and what it asks for begins. An entry of level k ends everything that was done for
// levels up to k: the exit that is answered, and those of lower levels on the way there.
#include "monitor/symbols/symbols.h"
#include "monitor/trace/trace.h"
#include "vmx/vmcs/vmx.h"
#include <stdio.h>
#include <string.h>

// The clock when this step was done. A machine has one more cycle for each step.
uint64_t trace_cycle(const struct cpu *cpu, const struct sight *sight) {
    return sight->step + cpu->time.surplus_cycles;
}

const char *trace_frame_name(const struct trace_frame *frame, char *text, size_t size) {
    const char *reason = frame->reason == TRACE_RUNS ? "runs" : vmx_exit_name((unsigned)frame->reason);
    snprintf(text, size, "L%u %s", frame->level, reason ? reason : "?");
    return text;
}

const char *trace_frame_function(const struct trace *trace, const struct trace_frame *frame, char *text, size_t size) {
    *text = '\0';
    if (frame->reason == TRACE_RUNS) return text;
    symbols_name(trace->look->symbols, (int)frame->level, frame->sight.rip, text, size);
    text[strcspn(text, "+")] = '\0';
    return text;
}

static void spend(struct trace *trace, unsigned processor, uint64_t cycle) {
    struct trace_stack *s = &trace->stack[processor];
    if (trace->format->spent && cycle > s->since) trace->format->spent(trace, processor, cycle - s->since);
    s->since = cycle;
}

static void pop(struct trace *trace, unsigned processor, uint64_t cycle) {
    struct trace_stack *s = &trace->stack[processor];
    spend(trace, processor, cycle);
    if (trace->format->pop) trace->format->pop(trace, processor, &s->frame[s->frames - 1], cycle);
    s->frames--;
}

static void push(struct trace *trace, unsigned processor, const struct sight *sight, uint64_t cycle, unsigned level,
                 int reason) {
    struct trace_stack *s = &trace->stack[processor];
    if (s->frames == TRACE_FRAMES) return; // VMX_LEVELS is far less
    spend(trace, processor, cycle);
    s->frame[s->frames] = (struct trace_frame){level, reason, cycle, *sight};
    if (trace->format->push) trace->format->push(trace, processor, &s->frame[s->frames]);
    s->frames++;
}

static const struct trace_frame *top(const struct trace_stack *s) {
    return s->frames ? &s->frame[s->frames - 1] : NULL;
}

void trace_follow(struct trace *trace, struct cpu *cpu, const struct sight *sight, unsigned level) {
    struct trace_stack *s = &trace->stack[cpu->id];
    uint64_t cycle = trace_cycle(cpu, sight);
    if (sight->kind == OBSERVE_EXIT) {
        if (top(s) && top(s)->level == level && top(s)->reason == TRACE_RUNS) pop(trace, cpu->id, cycle);
        push(trace, cpu->id, sight, cycle, level, (int)(sight->number & UINT16_MAX));
    } else if (sight->kind == OBSERVE_ENTRY) {
        while (top(s) && top(s)->level <= level) pop(trace, cpu->id, cycle);
        push(trace, cpu->id, sight, cycle, level, TRACE_RUNS);
    }
}

void trace_settle(struct trace *trace) {
    for (unsigned i = 0; machine_cpu(trace->look->machine, i); i++) {
        const struct cpu *cpu = machine_cpu(trace->look->machine, i);
        uint64_t cycle = cpu_cycles_now(cpu);
        while (trace->stack[i].frames) pop(trace, i, cycle);
        spend(trace, i, cycle);
    }
}
