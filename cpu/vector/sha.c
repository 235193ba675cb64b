// SHA extensions: SHA-1 and SHA-256 rounds and message schedules. SDM Vol. 1, 12.14 (Vol. 2B for each); FIPS 180-4 for
// the functions. Element 3 of a register is the first word in the standard's order.
#include "cpu/vector/vector.h"

ALWAYS_INLINE uint32_t rotate_left(uint32_t a, unsigned n) { return a << n | a >> (32 - n); }
ALWAYS_INLINE uint32_t choose(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (~x & z); }
ALWAYS_INLINE uint32_t parity(uint32_t x, uint32_t y, uint32_t z) { return x ^ y ^ z; }
ALWAYS_INLINE uint32_t majority(uint32_t x, uint32_t y, uint32_t z) { return (x & y) ^ (x & z) ^ (y & z); }

OPERATION(sha1nexte) {
    union lane r = *s;
    r.u32[3] += rotate_left(d->u32[3], 30);
    *d = r;
}
SSE(sha1nexte)

OPERATION(sha1msg1) {
    *d = (union lane){
        .u32 = {d->u32[0] ^ s->u32[2], d->u32[1] ^ s->u32[3], d->u32[2] ^ d->u32[0], d->u32[3] ^ d->u32[1]}};
}
SSE(sha1msg1)

OPERATION(sha1msg2) {
    uint32_t w16 = rotate_left(d->u32[3] ^ s->u32[2], 1), w17 = rotate_left(d->u32[2] ^ s->u32[1], 1);
    uint32_t w18 = rotate_left(d->u32[1] ^ s->u32[0], 1), w19 = rotate_left(d->u32[0] ^ w16, 1);
    *d = (union lane){.u32 = {w19, w18, w17, w16}};
}
SSE(sha1msg2)

// Four rounds; imm[1:0] selects function and constant. The first word comes with E added (SHA1NEXTE).
OPERATION(sha1rnds4) {
    static const uint32_t constants[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    uint32_t a = d->u32[3], b = d->u32[2], c = d->u32[1], e4 = d->u32[0], e = 0;
    for (unsigned i = 0; i < 4; i++) {
        uint32_t f = (imm & 3) == 0 ? choose(b, c, e4) : (imm & 3) == 2 ? majority(b, c, e4) : parity(b, c, e4);
        uint32_t next = f + rotate_left(a, 5) + s->u32[3 - i] + e + constants[imm & 3];
        e = e4, e4 = c, c = rotate_left(b, 30), b = a, a = next;
    }
    *d = (union lane){.u32 = {e4, c, b, a}};
}
SSE(sha1rnds4)

OPERATION(sha256msg1) {
    uint32_t w[5] = {d->u32[0], d->u32[1], d->u32[2], d->u32[3], s->u32[0]};
    for (unsigned i = 0; i < 4; i++)
        d->u32[i] = w[i] + (rotate_left(w[i + 1], 25) ^ rotate_left(w[i + 1], 14) ^ w[i + 1] >> 3);
}
SSE(sha256msg1)

ALWAYS_INLINE uint32_t sigma1(uint32_t w) { return rotate_left(w, 15) ^ rotate_left(w, 13) ^ w >> 10; }
OPERATION(sha256msg2) {
    uint32_t w16 = d->u32[0] + sigma1(s->u32[2]), w17 = d->u32[1] + sigma1(s->u32[3]);
    *d = (union lane){.u32 = {w16, w17, d->u32[2] + sigma1(w16), d->u32[3] + sigma1(w17)}};
}
SSE(sha256msg2)

// Two rounds: d holds C D G H, s holds A B E F (high to low), XMM0's low quadword the words plus constants.
BODY(sse_sha256rnds2) {
    BODY_UNUSED;
    union lane d = xmm_get(cpu, op->dst), wk = xmm_get(cpu, 0), s;
    TRY(xmm_source(cpu, op, F, 16, ALIGNED, &s));
    uint32_t a = s.u32[3], b = s.u32[2], e = s.u32[1], f = s.u32[0];
    uint32_t c = d.u32[3], dd = d.u32[2], g = d.u32[1], h = d.u32[0];
    for (unsigned i = 0; i < 2; i++) {
        uint32_t t1 = choose(e, f, g) + (rotate_left(e, 26) ^ rotate_left(e, 21) ^ rotate_left(e, 7)) + wk.u32[i] + h;
        uint32_t t2 = majority(a, b, c) + (rotate_left(a, 30) ^ rotate_left(a, 19) ^ rotate_left(a, 10));
        h = g, g = f, f = e, e = t1 + dd, dd = c, c = b, b = a, a = t1 + t2;
    }
    d = (union lane){.u32 = {f, e, b, a}};
    xmm_set(cpu, op->dst, &d);
    return OUT_OK;
}
INSTANTIATE(sse_sha256rnds2, NEXT, FORMS_VECTOR)
