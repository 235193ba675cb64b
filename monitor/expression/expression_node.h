// What the nodes of an expression are. Private to monitor/expression.
#ifndef MONITOR_EXPRESSION_NODE_H
#define MONITOR_EXPRESSION_NODE_H
#include <stdint.h>

enum operation { OP_NUMBER, OP_NAME, OP_MEMORY, OP_NEGATE, OP_NOT, OP_INVERT, OP_CHOOSE, OP_ELSE, OP_BINARY };
enum { NAME_SHIFT = 56, SIGNED = 0x80 };

// The binary operators, in the order of the table in expression.c.
enum {
    B_OR,
    B_AND,
    B_EQ,
    B_NE,
    B_LE,
    B_GE,
    B_SHL,
    B_SHR,
    B_BOR,
    B_XOR,
    B_BAND,
    B_LT,
    B_GT,
    B_ADD,
    B_SUB,
    B_MUL,
    B_DIV,
    B_MOD,
    BINARIES
};

// Of both values: neither || nor &&, which may do without the second; b is not 0 where it divides.
uint64_t expression_operate(unsigned operator, uint64_t a, uint64_t b);

#endif
