// The table of a processor's architectural state. What member.def has comes from there.
#include "cpu/state/cpu.h"

#define ALL(type) ((type) ~(type)0)
#define ONE(member) STATE_ONE(struct cpu, member)
#define UP_TO(member, greatest) STATE_ONE_TO(struct cpu, member, greatest)
#define ARRAY(member) STATE_ARRAY(struct cpu, member)
#define EACH(array, member) STATE_EACH(struct cpu, array, member)

static const struct state_field cpu_fields[] = {
    ARRAY(gpr),
    ONE(rip),
    ONE(flags.result),
    ONE(flags.carry),
    ONE(rflags),
    ARRAY(segment_base),
    EACH(segment, limit),
    EACH(segment, rights),
    EACH(segment, selector),
    ONE(gdtr.base),
    ONE(gdtr.limit),
    ONE(idtr.base),
    ONE(idtr.limit),
#define CONTROL(type, name, greatest) UP_TO(control.name, greatest),
#define CONTROL_ARRAY(type, name, count, greatest) STATE_ARRAY_TO(struct cpu, control.name, greatest),
#define MSR(type, name, greatest) UP_TO(msr.name, greatest),
#define MSR_ARRAY(type, name, count, greatest) STATE_ARRAY_TO(struct cpu, msr.name, greatest),
#define BOUNDARY(type, name, greatest) UP_TO(boundary.name, greatest),
#define TIME(type, name, greatest) UP_TO(time.name, greatest),
#include "cpu/state/member.def"
    STATE_WORDS(struct cpu, fpu.vector),
    ARRAY(fpu.opmask),
    ONE(fpu.mxcsr),
    EACH(fpu.x87.r, significand),
    EACH(fpu.x87.r, sign_exponent),
    ONE(fpu.x87.ip),
    ONE(fpu.x87.dp),
    ONE(fpu.x87.cs),
    ONE(fpu.x87.ds),
    ONE(fpu.x87.control),
    ONE(fpu.x87.status),
    ONE(fpu.x87.opcode),
    ONE(fpu.x87.empty),
    ONE(random_state),
    UP_TO(id, 63),
    ONE(eptp),
    ONE(vpid),
};
const struct state_table cpu_state = STATE_TABLE("cpu", cpu_fields);

static const struct state_field count_fields[] = {
#define COUNT(type, name, greatest) UP_TO(time.name, greatest),
#include "cpu/state/member.def"
};
const struct state_table cpu_count_state = STATE_COUNTS("counts", count_fields);
