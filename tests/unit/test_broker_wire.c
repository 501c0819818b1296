/* SPDX-License-Identifier: Apache-2.0 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "wire/broker_wire.h"

static union bw_message message(uint16_t type)
{
	union bw_message m;

	memset(&m, 0, sizeof(m));
	m.h.version = BW_VERSION;
	m.h.type = type;
	return m;
}

static void every_type_has_a_size_and_zeros_pass(void **state _unused_)
{
	for (uint16_t type = 1; type < BW_TYPE_COUNT; type++) {
		union bw_message m = message(type);
		size_t size = broker_wire_size(type);
		size_t fds = type == BW_PEER ? 1 : type == BW_TLS ? 2 : 0;

		assert_true(size >= sizeof(struct bw_header));
		assert_int_equal(broker_wire_check(&m, size, fds, NULL), 0);
	}
	assert_int_equal(broker_wire_size(0), 0);
	assert_int_equal(broker_wire_size(BW_TYPE_COUNT), 0);
}

static void wrong_sizes_versions_and_descriptors_are_refused(void **state _unused_)
{
	for (uint16_t type = 1; type < BW_TYPE_COUNT; type++) {
		union bw_message m = message(type);
		size_t size = broker_wire_size(type);

		assert_int_equal(broker_wire_check(&m, size - 1, 0, NULL), -1);
		assert_int_equal(broker_wire_check(&m, size + 1, 0, NULL), -1);
		assert_int_equal(broker_wire_check(&m, size, BW_MAX_FDS + 1, NULL), -1);
		m.h.version = BW_VERSION + 1;
		assert_int_equal(broker_wire_check(&m, size, 0, NULL), -1);
	}
	assert_int_equal(broker_wire_check("", 0, 0, NULL), -1);
}

static void endless_strings_and_strange_numbers_are_refused(void **state _unused_)
{
	union bw_message m = message(BW_LOGIN);

	memset(m.login.password, 'x', sizeof(m.login.password));
	assert_int_equal(broker_wire_check(&m, sizeof(m.login), 0, NULL), -1);
	m = message(BW_SETTINGS);
	memset(m.settings.origins[3], 'x', sizeof(m.settings.origins[3]));
	assert_int_equal(broker_wire_check(&m, sizeof(m.settings), 0, NULL), -1);
	m = message(BW_USERS_PAGE);
	m.users_page.count = BW_PAGE_USERS + 1;
	assert_int_equal(broker_wire_check(&m, sizeof(m.users_page), 0, NULL), -1);
	m.users_page.count = 1;
	memset(m.users_page.users[0].name, 'x', BW_NAME_SIZE);
	assert_int_equal(broker_wire_check(&m, sizeof(m.users_page), 0, NULL), -1);
	m = message(BW_SESSION);
	m.session.role = BW_ROLE_COUNT;
	assert_int_equal(broker_wire_check(&m, sizeof(m.session), 0, NULL), -1);
}

static void a_message_crosses_with_its_descriptor(void **state _unused_)
{
	union bw_message m = message(BW_OPENED), got;
	int pair[2], fds[BW_MAX_FDS], null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	bool end;

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair), 0);
	assert_int_equal(broker_wire_recv(pair[1], &got, fds, &end, NULL), 0);
	assert_false(end);
	BW_PUT(m.opened.name, "alice");
	m.h.id = 7;
	assert_int_equal(broker_wire_send(pair[0], &m, &null_fd, 1), 0);
	assert_int_equal(broker_wire_recv(pair[1], &got, fds, &end, NULL), 1);
	assert_int_equal(got.h.id, 7);
	assert_string_equal(got.opened.name, "alice");
	assert_true(fds[0] >= 0);
	assert_int_equal(fds[1], -1);
	close(fds[0]);
	assert_int_equal(send(pair[0], "junk", 4, 0), 4);
	assert_int_equal(broker_wire_recv(pair[1], &got, fds, &end, NULL), -1);
	close(pair[0]);
	assert_int_equal(broker_wire_recv(pair[1], &got, fds, &end, NULL), 0);
	assert_true(end);
	close(pair[1]);
	close(null_fd);
}

static void text_is_cut_to_its_field(void **state _unused_)
{
	char field[4] = "zzz";

	broker_wire_put(field, sizeof(field), "abcdef");
	assert_string_equal(field, "abc");
	broker_wire_put(field, sizeof(field), "x");
	assert_memory_equal(field, "x\0\0\0", 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_type_has_a_size_and_zeros_pass),
		cmocka_unit_test(wrong_sizes_versions_and_descriptors_are_refused),
		cmocka_unit_test(endless_strings_and_strange_numbers_are_refused),
		cmocka_unit_test(a_message_crosses_with_its_descriptor),
		cmocka_unit_test(text_is_cut_to_its_field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
