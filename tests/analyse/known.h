/* SPDX-License-Identifier: Apache-2.0 */
/* Included into each file by tests/analyse/run: what the analyzers can't see, since they look at one file at a time. */
#ifndef MD_TESTS_ANALYSE_KNOWN_H
#define MD_TESTS_ANALYSE_KNOWN_H

/* As the files themselves begin. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "base/error.h"
#include "json/json_read.h"

#define md_fail(...)       (md_fail(__VA_ARGS__), -1)
#define md_fail_errno(...) (md_fail_errno(__VA_ARGS__), -1)
#define md_wrap(...)       (md_wrap(__VA_ARGS__), -1)
#define json_fail(...)     (json_fail(__VA_ARGS__), -1)

#endif
