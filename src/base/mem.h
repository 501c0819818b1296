/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mem.h - owned heap pointers. Allocation failure is NULL and ENOMEM, never an abort.
 */
#ifndef MD_BASE_MEM_H
#define MD_BASE_MEM_H

#include <stdlib.h>

#include "base/compiler.h"

static inline void mem_free_ptr(void *p)
{
	free(*(void **)p);
}

/* `_auto_free_ char *s = NULL;`: freed when it leaves scope; hand it over with take_ptr(). */
#define _auto_free_ _auto_(mem_free_ptr)

/* Gives the pointer away: its variable becomes NULL, so that the cleanup frees nothing. */
#define take_ptr(p)                                                                                \
	({                                                                                         \
		__typeof__(p) take_ptr_tmp_ = (p);                                                 \
		(p) = NULL;                                                                        \
		take_ptr_tmp_;                                                                     \
	})

/* realloc for arrays: refuses an overflow (ENOMEM). Source: reallocarray(3). */
#define mem_resize(p, count) reallocarray((p), (count), sizeof(*(p)))

#endif
