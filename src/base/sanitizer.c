/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the sanitizers do where nobody says otherwise: programs of ours start each other with environments of their own. Leaks are
 * looked for on demand only, since the search traces the process, which a sandboxed one may not be; an allocation that is
 * refused is NULL as it is without them.
 */
extern const char md_sanitizer_options;
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);

/* What the linker is told to look for, since the functions have weak namesakes in the sanitizers' libraries. */
const char md_sanitizer_options = 1;

const char *__asan_default_options(void)
{
	return "detect_leaks=0:abort_on_error=1:allocator_may_return_null=1:detect_stack_use_after_"
	       "return=0";
}

const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1:halt_on_error=1";
}

const char *__tsan_default_options(void)
{
	return "halt_on_error=1:second_deadlock_stack=1";
}
