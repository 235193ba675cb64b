// A tool of the build: reads object files of stencils (cpu/engine/stencil.h) and writes their bytes and holes as C.
// extract OBJECT... >stencils.c
//
// A stencil is a function st__BODY__FORM__WIDTH, or st__BODY__FORM__WIDTH__BRANCH. One with anything in it but holes is
// left out: its records keep their handlers.
#include "cpu/engine/stencil.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const hole_names[] = {
#define HOLE(name) "hole_" #name,
    STENCIL_HOLES(HOLE)
#undef HOLE
        "(literal)",
    "hole_next",
#define WAY(name) "way_" #name,
    STENCIL_WAYS(WAY)
#undef WAY
};
enum { HOLES = sizeof hole_names / sizeof *hole_names, JUMP_BYTES = 5, PATCHES_MOST = 64 };

struct object {
    const char *name;
    uint8_t *data;
    const Elf64_Shdr *section;
    unsigned sections;
    const Elf64_Sym *symbol;
    unsigned symbols;
    const char *strings;
};

static _Noreturn void fail(const char *name, const char *what) {
    fprintf(stderr, "extract: %s: %s\n", name, what);
    exit(1);
}

static uint8_t *file_read(const char *name) {
    FILE *f = fopen(name, "rb");
    if (!f || fseek(f, 0, SEEK_END)) fail(name, "cannot be read");
    long bytes = ftell(f);
    uint8_t *data = bytes > (long)sizeof(Elf64_Ehdr) ? malloc((size_t)bytes) : NULL;
    rewind(f);
    if (!data || fread(data, 1, (size_t)bytes, f) != (size_t)bytes) fail(name, "cannot be read");
    fclose(f);
    return data;
}

static struct object object_open(const char *name) {
    struct object o = {.name = name, .data = file_read(name)};
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)o.data;
    bool good = !memcmp(header->e_ident, ELFMAG, SELFMAG) && header->e_machine == EM_X86_64 && header->e_type == ET_REL;
    if (!good) fail(name, "is not an object file for x86-64");
    o.section = (const Elf64_Shdr *)(o.data + header->e_shoff);
    o.sections = header->e_shnum;
    for (unsigned i = 0; i < o.sections; i++) {
        const Elf64_Shdr *s = &o.section[i];
        if (s->sh_type != SHT_SYMTAB) continue;
        o.symbol = (const Elf64_Sym *)(o.data + s->sh_offset);
        o.symbols = (unsigned)(s->sh_size / sizeof *o.symbol);
        o.strings = (const char *)o.data + o.section[s->sh_link].sh_offset;
    }
    if (!o.symbol) fail(name, "has no symbols");
    return o;
}

static const Elf64_Shdr *relocations_of(const struct object *o, unsigned section) {
    for (unsigned i = 0; i < o->sections; i++)
        if (o->section[i].sh_type == SHT_RELA && o->section[i].sh_info == section) return &o->section[i];
    return NULL;
}

// --- constants: each once ---

enum { LITERALS_MOST = 1024 };
static uint8_t literals[LITERALS_MOST][16];
static unsigned literal_count;

// The literal with these bytes, made when missing; -1: they are too many.
static int literal_take(const uint8_t *bytes, size_t available) {
    uint8_t value[16] = {0};
    memcpy(value, bytes, available < 16 ? available : 16);
    for (unsigned i = 0; i < literal_count; i++)
        if (!memcmp(literals[i], value, 16)) return (int)i;
    if (literal_count == LITERALS_MOST) return -1;
    memcpy(literals[literal_count], value, 16);
    return (int)literal_count++;
}

// A relocation to constant data: which literal; -1: it goes elsewhere, or from an instruction that does not end behind
// the place.
static int literal_of(const struct object *o, const Elf64_Sym *symbol, int64_t addend) {
    if (symbol->st_shndx >= o->sections) return -1;
    const Elf64_Shdr *section = &o->section[symbol->st_shndx];
    uint64_t at = symbol->st_value + (uint64_t)(addend + 4);
    bool constant = section->sh_type == SHT_PROGBITS && !(section->sh_flags & (SHF_WRITE | SHF_EXECINSTR)) &&
                    section->sh_flags & SHF_MERGE && !(section->sh_flags & SHF_STRINGS);
    bool whole = section->sh_entsize && section->sh_entsize <= 16 && at % section->sh_entsize == 0;
    if (!constant || !whole || at >= section->sh_size) return -1;
    return literal_take(o->data + section->sh_offset + at, section->sh_entsize);
}

static int hole_of(const struct object *o, const Elf64_Sym *symbol) {
    for (int i = 0; i < HOLES; i++)
        if (!strcmp(o->strings + symbol->st_name, hole_names[i])) return i;
    return -1;
}

static unsigned patch_bytes(unsigned type) {
    switch (type) {
    case R_X86_64_32:
    case R_X86_64_32S:
    case R_X86_64_PC32:
    case R_X86_64_PLT32: return 4;
    case R_X86_64_16: return 2;
    case R_X86_64_8: return 1;
    default: return 0;
    }
}

// What a compiler undoes before it leaves: the stack pointer, saved registers.
static bool straight(const uint8_t *code, const uint8_t *end) {
    while (code < end) {
        if (end - code >= 4 && code[0] == 0x48 && code[1] == 0x83 && code[2] == 0xc4)
            code += 4; // add $imm8, %rsp
        else if (code[0] >= 0x58 && code[0] <= 0x5f)
            code += 1; // pop
        else if (end - code >= 2 && code[0] == 0x41 && code[1] >= 0x58 && code[1] <= 0x5f)
            code += 2;
        else
            return false;
    }
    return true;
}

// The way that a section of unlikely code jumps to there: the compiler puts ways out of a stencil into such sections,
// with a few instructions before the jump, which become a literal. -1: something else is there.
static int way_of(const struct object *o, const Elf64_Sym *symbol, int64_t addend, struct stencil_patch *out) {
    enum { BEFORE_MOST = 16 };
    const Elf64_Shdr *relocations = relocations_of(o, symbol->st_shndx);
    uint64_t at = symbol->st_value + (uint64_t)addend + 4;
    if (symbol->st_shndx >= o->sections || !relocations) return -1;
    const uint8_t *code = o->data + o->section[symbol->st_shndx].sh_offset;
    const Elf64_Rela *r = (const Elf64_Rela *)(o->data + relocations->sh_offset), *first = NULL;
    for (unsigned i = 0; i < relocations->sh_size / sizeof *r; i++)
        if (r[i].r_offset > at && (!first || r[i].r_offset < first->r_offset)) first = &r[i];
    uint64_t jump = first ? first->r_offset - 1 : 0;
    if (!first || jump < at || jump - at > BEFORE_MOST || code[jump] != 0xe9 || !straight(code + at, code + jump))
        return -1;
    int literal = literal_take(code + at, jump - at);
    if (literal < 0) return -1;
    out->bytes = (uint8_t)(jump - at);
    out->literal = (uint16_t)literal;
    return hole_of(o, &o->symbol[ELF64_R_SYM(first->r_info)]);
}

// lea HOLE(%rip), %reg becomes mov $HOLE, %reg, of the same length. `place`: the four bytes. False: it is another
// instruction.
static bool lea_absolute(uint8_t *place) {
    enum { REX_W = 0x48, REX_R = 4, LEA = 0x8d, MOV = 0xc7 };
    uint8_t *rex = place - 3, *modrm = place - 1;
    if ((*rex & ~REX_R) != REX_W || place[-2] != LEA || (*modrm & 0xc7) != 5) return false;
    *rex = (uint8_t)(REX_W | (*rex & REX_R ? 1 : 0));
    place[-2] = MOV;
    *modrm = (uint8_t)(0xc0 | (*modrm >> 3 & 7));
    return true;
}

// The patch for a relocation; false: it cannot be patched.
static bool patch_make(const struct object *o, const Elf64_Rela *r, uint64_t start, uint8_t *code,
                       struct stencil_patch *out) {
    const Elf64_Sym *symbol = &o->symbol[ELF64_R_SYM(r->r_info)];
    unsigned type = (unsigned)ELF64_R_TYPE(r->r_info), bytes = patch_bytes(type);
    bool relative = type == R_X86_64_PC32 || type == R_X86_64_PLT32;
    int hole = hole_of(o, symbol);
    int64_t addend = r->r_addend;
    *out = (struct stencil_patch){.at = (uint16_t)(r->r_offset - start), .bytes = (uint8_t)bytes};
    int literal = hole < 0 && relative ? literal_of(o, symbol, addend) : -1;
    if (literal >= 0) {
        out->hole = HOLE_LITERAL;
        out->literal = (uint16_t)literal;
        return true;
    }
    if (relative && hole >= 0 && hole < HOLE_LITERAL) {
        relative = !lea_absolute(code + out->at);
        addend += 4;
    } else if (relative && hole >= 0) {
        out->bytes = 0;
    } else if (relative) {
        hole = way_of(o, symbol, addend, out);
        addend = -4;
    }
    if (!bytes || hole < 0 || relative != (hole >= HOLE_NEXT) || (relative && addend != -4)) return false;
    out->hole = (uint8_t)hole;
    out->addend = (int32_t)addend;
    return true;
}

// "BODY__FORM__WIDTH" or "BODY__FORM__WIDTH__BRANCH" as a row's beginning.
static void row_print(const char *name, unsigned bytes, unsigned patches, unsigned number) {
    char copy[256], *part[4] = {copy};
    snprintf(copy, sizeof copy, "%s", name);
    for (unsigned i = 1; i < 4 && part[i - 1]; i++) {
        part[i] = strstr(part[i - 1], "__");
        if (part[i]) {
            *part[i] = 0;
            part[i] += 2;
        }
    }
    if (!part[2]) fail(name, "is no name of a stencil");
    printf("    {&body_%s, %s%s, FORM_%s, W%s, {code_%u, patch_%u, %u, %u}},\n", part[0], part[3] ? "&body_" : "NULL",
           part[3] ? part[3] : "", part[1], part[2], number, number, bytes, patches);
}

static void bytes_print(const uint8_t *code, unsigned bytes, unsigned number) {
    printf("static const uint8_t code_%u[] = {", number);
    for (unsigned i = 0; i < bytes; i++) printf("%s0x%02x,", i % 24 ? " " : "\n    ", code[i]);
    printf("};\n");
}

static void patches_print(const struct stencil_patch *patch, unsigned patches, unsigned number) {
    printf("static const struct stencil_patch patch_%u[] = {", number);
    for (unsigned i = 0; i < patches; i++)
        printf("{%u, %u, %u, %u, %d},", patch[i].at, patch[i].hole, patch[i].bytes, patch[i].literal, patch[i].addend);
    printf("{0, 0, 0, 0, 0}};\n");
}

// Of the stencil in `symbol` the code and patches, or its row.
static bool stencil_take(const struct object *o, const Elf64_Sym *symbol, bool rows, unsigned number) {
    const Elf64_Shdr *relocations = relocations_of(o, symbol->st_shndx);
    uint8_t *code = o->data + o->section[symbol->st_shndx].sh_offset + symbol->st_value;
    unsigned bytes = (unsigned)symbol->st_size, patches = 0;
    struct stencil_patch patch[PATCHES_MOST];
    const Elf64_Rela *r = relocations ? (const Elf64_Rela *)(o->data + relocations->sh_offset) : NULL;
    for (unsigned i = 0; r && i < relocations->sh_size / sizeof *r; i++) {
        if (r[i].r_offset - symbol->st_value >= bytes) continue;
        if (patches == PATCHES_MOST || !patch_make(o, &r[i], symbol->st_value, code, &patch[patches++])) return false;
    }
    for (unsigned i = 0; i < patches; i++) // the last jump falls through instead
        if (patch[i].hole == HOLE_NEXT && patch[i].at + 4u == bytes && code[bytes - JUMP_BYTES] == 0xe9) {
            bytes -= JUMP_BYTES;
            patch[i] = patch[--patches];
            break;
        }
    if (rows) {
        row_print(o->strings + symbol->st_name + 4, bytes, patches, number);
        return true;
    }
    bytes_print(code, bytes, number);
    patches_print(patch, patches, number);
    return true;
}

static bool is_stencil(const struct object *o, const Elf64_Sym *symbol) {
    return ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx && symbol->st_shndx < o->sections &&
           !strncmp(o->strings + symbol->st_name, "st__", 4) && !strchr(o->strings + symbol->st_name, '.');
}

static unsigned objects_print(char **names, bool rows) {
    unsigned number = 0, all = 0;
    for (; *names; names++) {
        struct object o = object_open(*names);
        for (unsigned i = 0; i < o.symbols; i++) {
            if (!is_stencil(&o, &o.symbol[i])) continue;
            all++;
            number += stencil_take(&o, &o.symbol[i], rows, number);
        }
        free(o.data);
    }
    if (!rows) fprintf(stderr, "extract: %u of %u stencils\n", number, all);
    return number;
}

static void bodies_print(char **names) {
    for (; *names; names++) {
        struct object o = object_open(*names);
        for (unsigned i = 0; i < o.symbols; i++) {
            if (!is_stencil(&o, &o.symbol[i])) continue;
            const char *name = o.strings + o.symbol[i].st_name + 4, *end = strstr(name, "__");
            printf("extern const struct body body_%.*s;\n", (int)(end - name), name);
            for (unsigned part = 0; end && part < 2; part++) end = strstr(end + 2, "__");
            if (end) printf("extern const struct body body_%s;\n", end + 2);
        }
        free(o.data);
    }
}

static void literals_print(void) {
    printf("static const uint8_t literals[][16] = {\n");
    for (unsigned i = 0; i < literal_count; i++) {
        printf("    {");
        for (unsigned k = 0; k < 16; k++) printf("0x%02x, ", literals[i][k]);
        printf("},\n");
    }
    printf("    {0}};\n");
}

int main(int argc, char **argv) {
    printf("// Made by the build from the bodies: cpu/engine/extract/extract.c.\n#include "
           "\"cpu/engine/stencil.h\"\n#include <stddef.h>\n");
    bodies_print(argv + 1);
    unsigned count = objects_print(argv + 1, false);
    literals_print();
    printf("static const struct stencil_row rows[] = {\n");
    if (count) objects_print(argv + 1, true);
    printf("    {.body = NULL}};\nconst struct stencil_table stencil_table = {rows, %u, %u, literals};\n", count,
           literal_count);
    return argc < 1 || ferror(stdout);
}
