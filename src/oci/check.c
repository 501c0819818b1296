/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - what fields mean together: settings that need a namespace of the container's own. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "oci/fields.h"

#include "base/poison.h"

/* A sysctl is only allowed where a namespace confines it. Names that end in '.' are prefixes. */
static const struct {
	const char *name;
	enum oci_ns_kind ns;
} sysctl_owners[] = {
	{ "net.", OCI_NS_NETWORK },
	{ "fs.mqueue.", OCI_NS_IPC },
	{ "kernel.auto_msgmni", OCI_NS_IPC },
	{ "kernel.msg_next_id", OCI_NS_IPC },
	{ "kernel.msgmax", OCI_NS_IPC },
	{ "kernel.msgmnb", OCI_NS_IPC },
	{ "kernel.msgmni", OCI_NS_IPC },
	{ "kernel.sem", OCI_NS_IPC },
	{ "kernel.sem_next_id", OCI_NS_IPC },
	{ "kernel.shm_next_id", OCI_NS_IPC },
	{ "kernel.shm_rmid_forced", OCI_NS_IPC },
	{ "kernel.shmall", OCI_NS_IPC },
	{ "kernel.shmmax", OCI_NS_IPC },
	{ "kernel.shmmni", OCI_NS_IPC },
	{ "kernel.domainname", OCI_NS_UTS },
	{ "user.", OCI_NS_USER },
	{ "kernel.pid_max", OCI_NS_PID },
};

/* Names may be written with slashes: net/ipv4/ip_forward. */
static bool sysctl_is(const char *key, const char *name)
{
	for (; *name; key++, name++) {
		if (*key != *name && !(*key == '/' && *name == '.'))
			return false;
	}
	return !*key || name[-1] == '.';
}

static int check_sysctl(const struct oci_spec *s, const char *key, struct md_error *err)
{
	if (!key[0] || strstr(key, "..") || strstr(key, "//"))
		return md_fail(err, EINVAL, "linux.sysctl: '%s' is not a name", key);
	for (size_t i = 0; i < ARRAY_SIZE(sysctl_owners); i++) {
		enum oci_ns_kind ns = sysctl_owners[i].ns;

		if (!sysctl_is(key, sysctl_owners[i].name))
			continue;
		if (s->ns[ns].set)
			return 0;
		return md_fail(err, EINVAL, "linux.sysctl: '%s' needs a %s namespace of its own",
			key, oci_ns_info[ns].name);
	}
	if (sysctl_is(key, "kernel.hostname"))
		return md_fail(err, EINVAL, "linux.sysctl: '%s' is what hostname is for", key);
	return md_fail(err, EINVAL, "linux.sysctl: '%s' is not confined by any namespace", key);
}

static int check_mappings(const struct oci_spec *s, struct md_error *err)
{
	const struct oci_namespace *user = &s->ns[OCI_NS_USER];

	if (!s->uid_maps.count != !s->gid_maps.count)
		return md_fail(err, EINVAL, "linux.uidMappings and linux.gidMappings go together");
	if (!user->set && (s->uid_maps.count || s->gid_maps.count))
		return md_fail(err, EINVAL, "linux.uidMappings: needs a user namespace");
	return 0;
}

/* Each wants a namespace of the container's own, else the host would be changed. */
static int check_namespaces(const struct oci_spec *s, struct md_error *err)
{
	const struct {
		const char *field;
		bool used;
		enum oci_ns_kind ns;
	} wants[] = {
		{ "hostname", s->hostname && s->hostname[0], OCI_NS_UTS },
		{ "domainname", s->domainname && s->domainname[0], OCI_NS_UTS },
		{ "linux.netDevices", s->net_device_count > 0, OCI_NS_NETWORK },
		{ "linux.timeOffsets", s->boottime.set || s->monotonic.set, OCI_NS_TIME },
	};

	for (size_t i = 0; i < ARRAY_SIZE(wants); i++) {
		if (wants[i].used && !s->ns[wants[i].ns].set)
			return md_fail(err, EINVAL, "%s: needs a %s namespace of its own",
				wants[i].field, oci_ns_info[wants[i].ns].name);
	}
	if ((s->boottime.set || s->monotonic.set) && s->ns[OCI_NS_TIME].path)
		return md_fail(err, EINVAL, "linux.timeOffsets: only for a new time namespace");
	return 0;
}

/* Without a mount namespace a container has the runtime's, and its mounts are a tree that hangs nowhere in it (runtime/init_rootfs.c):
 * what the host mounts later doesn't come there. Root of a user namespace may not enter the runtime's. */
static int check_mounts(const struct oci_spec *s, struct md_error *err)
{
	const unsigned long apart = MS_PRIVATE | MS_REC;
	const struct {
		const char *field;
		bool used;
	} wants[] = {
		{ "mounts", s->mount_count > 0 },
		{ "root.readonly", s->root_readonly },
		{ "linux.maskedPaths", s->masked_paths.count > 0 },
		{ "linux.readonlyPaths", s->readonly_paths.count > 0 },
	};

	if (s->ns[OCI_NS_MOUNT].set)
		return 0;
	for (size_t i = 0; s->ns[OCI_NS_USER].set && i < ARRAY_SIZE(wants); i++) {
		if (wants[i].used)
			return md_fail(err, EINVAL,
				"%s: in a user namespace it needs a mount namespace of its own",
				wants[i].field);
	}
	if (s->rootfs_propagation & ~apart)
		return md_fail(err, EINVAL,
			"linux.rootfsPropagation: other than private it needs a mount namespace "
			"of its own");
	for (size_t i = 0; i < s->mount_count; i++) {
		if (s->mounts[i].propagation & ~apart)
			return md_fail(err, EINVAL,
				"mounts[%zu].options: a propagation other than private needs a "
				"mount namespace of its own",
				i);
	}
	return 0;
}

static int check_version(const struct oci_spec *s, struct md_error *err)
{
	const char *v = s->version;

	if (v && (!str_starts(v, "1.") || v[2] < '0' || v[2] > '9'))
		return md_fail(err, EINVAL, "ociVersion: '%s' is not a supported version (1.x)", v);
	return 0;
}

int oci_spec_check(const struct oci_spec *s, struct md_error *err)
{
	if (check_version(s, err) < 0 || check_namespaces(s, err) < 0 || check_mounts(s, err) < 0 ||
		check_mappings(s, err) < 0)
		return -1;
	for (size_t i = 0; i < s->sysctl.count; i++) {
		if (check_sysctl(s, s->sysctl.items[i].key, err) < 0)
			return -1;
	}
	return 0;
}
