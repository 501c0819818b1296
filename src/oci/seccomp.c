/* SPDX-License-Identifier: Apache-2.0 */
/* seccomp.c - `linux.seccomp`. Names of system calls and architectures stay names: libseccomp knows
 * them. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/seccomp.h>
#include <string.h>

#include "oci/fields.h"

#include "base/poison.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

static const struct oci_word action_words[] = {
	{ "SCMP_ACT_KILL", OCI_SECCOMP_KILL_THREAD },
	{ "SCMP_ACT_KILL_THREAD", OCI_SECCOMP_KILL_THREAD },
	{ "SCMP_ACT_KILL_PROCESS", OCI_SECCOMP_KILL_PROCESS },
	{ "SCMP_ACT_TRAP", OCI_SECCOMP_TRAP },
	{ "SCMP_ACT_ERRNO", OCI_SECCOMP_ERRNO },
	{ "SCMP_ACT_TRACE", OCI_SECCOMP_TRACE },
	{ "SCMP_ACT_ALLOW", OCI_SECCOMP_ALLOW },
	{ "SCMP_ACT_LOG", OCI_SECCOMP_LOG },
	{ "SCMP_ACT_NOTIFY", OCI_SECCOMP_NOTIFY },
	{ NULL, 0 },
};

static const struct oci_word op_words[] = {
	{ "SCMP_CMP_NE", OCI_SECCOMP_NE },
	{ "SCMP_CMP_LT", OCI_SECCOMP_LT },
	{ "SCMP_CMP_LE", OCI_SECCOMP_LE },
	{ "SCMP_CMP_EQ", OCI_SECCOMP_EQ },
	{ "SCMP_CMP_GE", OCI_SECCOMP_GE },
	{ "SCMP_CMP_GT", OCI_SECCOMP_GT },
	{ "SCMP_CMP_MASKED_EQ", OCI_SECCOMP_MASKED_EQ },
	{ NULL, 0 },
};

static const struct oci_word flag_words[] = {
	{ "SECCOMP_FILTER_FLAG_TSYNC", SECCOMP_FILTER_FLAG_TSYNC },
	{ "SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG },
	{ "SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW },
	{ "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV },
	{ NULL, 0 },
};

static int read_action(struct oci_parse *p, const struct json_node *n, void *to)
{
	uint64_t value = 0;

	if (oci_read_word(p, n, action_words, &value) < 0)
		return -1;
	*(enum oci_seccomp_action *)to = (enum oci_seccomp_action)value;
	return 0;
}

static int read_op(struct oci_parse *p, const struct json_node *n, void *to)
{
	uint64_t value = 0;

	if (oci_read_word(p, n, op_words, &value) < 0)
		return -1;
	*(enum oci_seccomp_op *)to = (enum oci_seccomp_op)value;
	return 0;
}

#define ARG_AT(member)  offsetof(struct oci_seccomp_arg, member)
#define RULE_AT(member) offsetof(struct oci_seccomp_rule, member)
#define AT(member)      offsetof(struct oci_seccomp, member)

static int read_index(struct oci_parse *p, const struct json_node *n, void *to)
{
	uint64_t value;

	if (json_as_u64(n, 5, &value, p->err) < 0)
		return -1;
	*(unsigned int *)to = (unsigned int)value;
	return 0;
}

static const struct oci_field arg_fields[] = {
	{ "index", FIELD_CUSTOM, ARG_AT(index), .required = true, .custom = read_index },
	{ "value", FIELD_ULONG, ARG_AT(value), .required = true },
	{ "valueTwo", FIELD_ULONG, ARG_AT(value_two) },
	{ "op", FIELD_CUSTOM, ARG_AT(op), .required = true, .custom = read_op },
	{ NULL },
};

/* SECCOMP_RET_DATA has 16 bits, and an errno past MAX_ERRNO reads as an address in the process. */
static const struct oci_field rule_fields[] = {
	{ "names", FIELD_STRS, RULE_AT(names), .required = true },
	{ "action", FIELD_CUSTOM, RULE_AT(action), .required = true, .custom = read_action },
	{ "errnoRet", FIELD_UINT, RULE_AT(errno_ret), .max = 4095 },
	{ "args", FIELD_LIST, RULE_AT(args), .size = sizeof(struct oci_seccomp_arg),
		.fields = arg_fields },
	{ NULL },
};

static int read_rule(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_seccomp_rule *rule = to;

	rule->errno_ret = EPERM;
	if (json_as_object(n, p->err) < 0 || oci_read_fields(p, n, rule_fields, rule) < 0)
		return -1;
	if (rule->names.count == 0)
		return json_fail(n, p->err, "names must not be empty");
	return 0;
}

static int read_flags(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_seccomp *s = to;
	struct json_node item;
	size_t count;

	if (json_as_array(n, &count, p->err) < 0)
		return -1;
	s->flags_set = true;
	for (size_t i = 0; i < count; i++) {
		uint64_t flag = 0;

		json_item(n, i, &item);
		if (oci_read_word(p, &item, flag_words, &flag) < 0)
			return -1;
		s->flags |= (unsigned int)flag;
	}
	return 0;
}

static const struct oci_field seccomp_fields[] = {
	{ "defaultAction", FIELD_CUSTOM, AT(default_action), .required = true,
		.custom = read_action },
	{ "defaultErrnoRet", FIELD_UINT, AT(default_errno), .max = 4095 },
	{ "architectures", FIELD_STRS, AT(architectures) },
	{ "flags", FIELD_CUSTOM, 0, .custom = read_flags },
	{ "listenerPath", FIELD_PATH, AT(listener_path) },
	{ "listenerMetadata", FIELD_STRING, AT(listener_metadata) },
	{ "syscalls", FIELD_LIST, AT(rules), .size = sizeof(struct oci_seccomp_rule),
		.custom = read_rule },
	{ NULL },
};

int oci_read_seccomp(struct oci_parse *p, const struct json_node *n, void *to)
{
	struct oci_seccomp *s = to;
	bool notifies;

	s->default_errno = EPERM;
	if (json_as_object(n, p->err) < 0 || oci_read_fields(p, n, seccomp_fields, s) < 0)
		return -1;
	notifies = s->default_action == OCI_SECCOMP_NOTIFY;
	if (notifies)
		return json_fail(n, p->err, "defaultAction: SCMP_ACT_NOTIFY cannot be the default");
	for (size_t i = 0; i < s->rule_count; i++)
		notifies |= s->rules[i].action == OCI_SECCOMP_NOTIFY;
	if (notifies && !s->listener_path)
		return json_fail(n, p->err, "SCMP_ACT_NOTIFY needs listenerPath");
	if (s->listener_metadata && !s->listener_path)
		return json_fail(n, p->err, "listenerMetadata needs listenerPath");
	/* The specification has it used for that action only. */
	if (!notifies)
		s->listener_path = NULL;
	s->set = true;
	return 0;
}
