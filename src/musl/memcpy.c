/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memcpy.c - in place of musl's, which on x86-64 is `rep movsq` for any length: its start costs more than most of our copies (libjansson appends
 * to its strings byte by byte). `ld --wrap=memcpy` brings all callers here. Unaligned loads and stores of ever larger words, that may overlap; what is long goes to `rep movsb`.
 */
#include <stddef.h>

enum { LONG = 1024 };

typedef unsigned short __attribute__((may_alias, aligned(1))) word2;
typedef unsigned int __attribute__((may_alias, aligned(1))) word4;
typedef unsigned long __attribute__((may_alias, aligned(1))) word8;
typedef char __attribute__((vector_size(16), may_alias, aligned(1))) word16;

/* Both ends of `n` bytes, at least one word and at most two. */
#define COPY_ENDS(word)                                                                            \
	do {                                                                                       \
		word head = *(const word *)from, tail = *(const word *)(from + n - sizeof(word));  \
		*(word *)to = head;                                                                \
		*(word *)(to + n - sizeof(word)) = tail;                                           \
	} while (0)

#ifndef __clang__
/* Else the compiler makes a memcpy() of the loop. */
__attribute__((optimize("no-tree-loop-distribute-patterns")))
#endif
void *
__wrap_memcpy(void *restrict dest, const void *restrict src, size_t n);

void *__wrap_memcpy(void *restrict dest, const void *restrict src, size_t n)
{
	char *to = dest;
	const char *from = src;

	if (n < 16) {
		if (n >= 8)
			COPY_ENDS(word8);
		else if (n >= 4)
			COPY_ENDS(word4);
		else if (n >= 2)
			COPY_ENDS(word2);
		else if (n)
			*to = *from;
		return dest;
	}
	if (n >= LONG) {
		__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(n) : : "memory");
		return dest;
	}
	for (; n > 32; n -= 16, to += 16, from += 16)
		*(word16 *)to = *(const word16 *)from;
	COPY_ENDS(word16);
	return dest;
}
