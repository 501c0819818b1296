/* SPDX-License-Identifier: Apache-2.0 */
/* unit.h - what every unit test includes: cmocka with the headers that it wants first. */
#ifndef MD_TESTS_UNIT_H
#define MD_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#endif
