/* SPDX-License-Identifier: Apache-2.0 */
/*
 * relro.c - what is written by nobody once it is relocated (PT_GNU_RELRO of elf(5)) becomes read-only before main(). musl leaves that to the dynamic linker, which a
 * static program hasn't.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>

#include "base/compiler.h"
#include "base/poison.h"

extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static __attribute__((constructor, used)) void protect_relocated(void)
{
	uintptr_t base = (uintptr_t)&__ehdr_start, page = getauxval(AT_PAGESZ);
	const Elf64_Phdr *p = (const Elf64_Phdr *)(base + __ehdr_start.e_phoff);

	for (int i = 0; i < __ehdr_start.e_phnum; i++, p++) {
		uintptr_t begin = base + p->p_vaddr, end = begin + p->p_memsz;

		if (p->p_type == PT_GNU_RELRO)
			(void)mprotect((void *)(begin & -page), (end & -page) - (begin & -page),
				PROT_READ);
	}
}
