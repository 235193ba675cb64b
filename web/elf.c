// What the page needs of libelf, which is not there for WebAssembly: headers, sections and symbols of an ELF file in
// memory, with libelf's names. Everything that the file says is checked against its size. NOT IMPLEMENTED: files of the
// other byte order, more than FF00H sections or program headers, notes (a kernel with a PVH entry has another one too).
#include "monitor/host/file.h"
#include "web/files.h"
#include <gelf.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MOST = 4096 };

struct Elf_Scn {
    Elf *elf;
    size_t index;
    Elf_Data data;
};

struct Elf {
    const uint8_t *bytes;
    size_t size;
    GElf_Ehdr header;
    struct Elf_Scn section[SECTIONS_MOST];
};

unsigned elf_version(unsigned version) { return version; }
const char *elf_errmsg(int error) { return error ? "its headers do not fit into it" : NULL; }
int elf_end(Elf *elf) { return free(elf), 0; }
Elf_Kind elf_kind(Elf *elf) { return elf ? ELF_K_ELF : ELF_K_NONE; }
int gelf_getclass(Elf *elf) { return elf->header.e_ident[EI_CLASS]; }

static const void *part(const Elf *elf, uint64_t at, uint64_t bytes) {
    return at <= elf->size && bytes <= elf->size - at ? elf->bytes + at : NULL;
}

#define FROM_32(member) to->member = from.member;

static bool take_header_32(Elf *elf) {
    const void *at = part(elf, 0, sizeof(Elf32_Ehdr));
    Elf32_Ehdr from;
    GElf_Ehdr *to = &elf->header;
    if (!at) return false;
    memcpy(&from, at, sizeof from);
    memcpy(to->e_ident, from.e_ident, sizeof to->e_ident);
    FROM_32(e_type)
    FROM_32(e_machine)
    FROM_32(e_version) FROM_32(e_entry) FROM_32(e_phoff) FROM_32(e_shoff) FROM_32(e_flags) FROM_32(e_ehsize)
        FROM_32(e_phentsize) FROM_32(e_phnum) FROM_32(e_shentsize) FROM_32(e_shnum) FROM_32(e_shstrndx) return true;
}

static bool take_header(Elf *elf) {
    const void *at = part(elf, 0, sizeof elf->header);
    if (elf->size < EI_NIDENT || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0) return false;
    if (elf->bytes[EI_CLASS] == ELFCLASS32) return take_header_32(elf);
    if (elf->bytes[EI_CLASS] != ELFCLASS64 || !at) return false;
    memcpy(&elf->header, at, sizeof elf->header);
    return true;
}

Elf *elf_memory(char *bytes, size_t size) {
    Elf *elf = calloc(1, sizeof *elf);
    if (!elf) return NULL;
    elf->bytes = (const uint8_t *)bytes;
    elf->size = size;
    if (take_header(elf) && elf->header.e_shnum <= SECTIONS_MOST) return elf;
    free(elf);
    return NULL;
}

Elf *elf_begin(int fd, Elf_Cmd command, Elf *reference) {
    (void)command, (void)reference;
    const struct file *file = web_file(fd);
    return file ? elf_memory((char *)file->bytes, file->size) : NULL;
}

GElf_Ehdr *gelf_getehdr(Elf *elf, GElf_Ehdr *to) { return *to = elf->header, to; }
int elf_getphdrnum(Elf *elf, size_t *count) { return *count = elf->header.e_phnum, 0; }
int elf_getshdrnum(Elf *elf, size_t *count) { return *count = elf->header.e_shoff ? elf->header.e_shnum : 0, 0; }
int elf_getshdrstrndx(Elf *elf, size_t *index) { return *index = elf->header.e_shstrndx, 0; }

GElf_Phdr *gelf_getphdr(Elf *elf, int index, GElf_Phdr *to) {
    const bool wide = gelf_getclass(elf) == ELFCLASS64;
    Elf32_Phdr from;
    const uint64_t bytes = wide ? sizeof *to : sizeof from;
    const void *at = part(elf, elf->header.e_phoff + (uint64_t)index * elf->header.e_phentsize, bytes);
    if (!at || index >= elf->header.e_phnum) return NULL;
    if (wide) return memcpy(to, at, sizeof *to);
    memcpy(&from, at, sizeof from);
    FROM_32(p_type)
    FROM_32(p_offset)
    FROM_32(p_vaddr) FROM_32(p_paddr) FROM_32(p_filesz) FROM_32(p_memsz) FROM_32(p_flags) FROM_32(p_align) return to;
}

Elf_Scn *elf_getscn(Elf *elf, size_t index) {
    if (!elf->header.e_shoff || index >= elf->header.e_shnum) return NULL;
    elf->section[index].elf = elf;
    elf->section[index].index = index;
    return &elf->section[index];
}

Elf_Scn *elf_nextscn(Elf *elf, Elf_Scn *section) { return elf_getscn(elf, section ? section->index + 1 : 1); }
size_t elf_ndxscn(Elf_Scn *section) { return section->index; }

GElf_Shdr *gelf_getshdr(Elf_Scn *section, GElf_Shdr *to) {
    const Elf *elf = section->elf;
    const bool wide = elf->header.e_ident[EI_CLASS] == ELFCLASS64;
    Elf32_Shdr from;
    const uint64_t bytes = wide ? sizeof *to : sizeof from;
    const void *at = part(elf, elf->header.e_shoff + section->index * elf->header.e_shentsize, bytes);
    if (!at) return NULL;
    if (wide) return memcpy(to, at, sizeof *to);
    memcpy(&from, at, sizeof from);
    FROM_32(sh_name)
    FROM_32(sh_type)
    FROM_32(sh_flags) FROM_32(sh_addr) FROM_32(sh_offset) FROM_32(sh_size) FROM_32(sh_link) FROM_32(sh_info)
        FROM_32(sh_addralign) FROM_32(sh_entsize) return to;
}

Elf_Data *elf_getdata(Elf_Scn *section, Elf_Data *last) {
    GElf_Shdr header;
    if (last || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS) return NULL;
    const void *at = part(section->elf, header.sh_offset, header.sh_size);
    if (!at) return NULL;
    // Which symbols are in it follows from the class, which is kept where libelf keeps its version.
    section->data =
        (Elf_Data){.d_buf = (void *)at, .d_size = header.sh_size, .d_version = section->elf->bytes[EI_CLASS]};
    return &section->data;
}

GElf_Sym *gelf_getsym(Elf_Data *data, int index, GElf_Sym *to) {
    const bool wide = data->d_version == ELFCLASS64;
    Elf32_Sym from;
    const size_t bytes = wide ? sizeof *to : sizeof from;
    if ((size_t)index >= data->d_size / bytes) return NULL;
    const uint8_t *at = (const uint8_t *)data->d_buf + (size_t)index * bytes;
    if (wide) return memcpy(to, at, sizeof *to);
    memcpy(&from, at, sizeof from);
    FROM_32(st_name) FROM_32(st_info) FROM_32(st_other) FROM_32(st_shndx) FROM_32(st_value) FROM_32(st_size) return to;
}

char *elf_strptr(Elf *elf, size_t section, size_t offset) {
    Elf_Scn *of = elf_getscn(elf, section);
    Elf_Data *data = of ? elf_getdata(of, NULL) : NULL;
    if (!data || offset >= data->d_size) return NULL;
    char *text = (char *)data->d_buf + offset;
    return memchr(text, 0, data->d_size - offset) ? text : NULL;
}

size_t gelf_getnote(Elf_Data *data, size_t at, GElf_Nhdr *note, size_t *name, size_t *bytes) {
    (void)data, (void)at, (void)note, (void)name, (void)bytes;
    return 0;
}
Elf_Data *elf_getdata_rawchunk(Elf *elf, int64_t at, size_t bytes, Elf_Type type) {
    (void)elf, (void)at, (void)bytes, (void)type;
    return NULL;
}
