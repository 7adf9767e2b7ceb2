/* A client of the old MPTCP socket API. What it was told goes to standard output, a line each:
 *
 *   opened ID · listed ID[*]... (* low_prio) · tuple ID LOCAL REMOTE [PRIO] · tos ID VALUE ·
 *   closed ID · error WHAT ERRNO · ready, after which it waits for a line of input
 *
 * Usage: client SERVER PORT FIRST SECOND, the last two being local addresses.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "old_api.h"

static int sock;

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void say_error(const char *what, int result)
{
	printf("error %s %d\n", what, result ? errno : 0);
}

static int resolve(const char *host, int port, struct sockaddr_in *address)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found;

	if (getaddrinfo(host, NULL, &hints, &found))
		return -1;
	memcpy(address, found->ai_addr, sizeof *address);
	address->sin_port = htons(port);
	freeaddrinfo(found);
	return 0;
}

static void make_connection(const char *server, int port, const char *from)
{
	struct sockaddr_in local, remote;

	if (resolve(from, 0, &local) || resolve(server, port, &remote)) {
		fprintf(stderr, "no such name\n");
		exit(1);
	}
	sock = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(sock, (struct sockaddr *)&local, sizeof local))
		die("bind");
	if (connect(sock, (struct sockaddr *)&remote, sizeof remote))
		die("connect");
}

/* One request, and its whole answer. */
static void ask(const char *connection)
{
	char text[4096];
	size_t got = 0;
	ssize_t n;

	n = snprintf(text, sizeof text,
		     "GET / HTTP/1.1\r\nHost: multipath-tcp.org\r\nConnection: %s\r\n\r\n",
		     connection);
	if (send(sock, text, n, 0) != n)
		die("send");
	while (got < sizeof text - 1) {
		n = recv(sock, text + got, sizeof text - 1 - got, 0);
		if (n <= 0)
			die("recv");
		text[got += n] = 0;
		if (strstr(text, "Hello\n"))
			return;
	}
}

static int open_with_prio(const struct sockaddr_in *local, const struct sockaddr_in *remote, int prio)
{
	char buffer[sizeof(struct draft_sub_tuple) + 2 * sizeof *local];
	struct draft_sub_tuple *tuple = (void *)buffer;
	socklen_t length = sizeof buffer;
	int result;

	tuple->id = 0;
	tuple->prio = prio;
	memcpy(tuple->addrs, local, sizeof *local);
	memcpy(tuple->addrs + sizeof *local, remote, sizeof *remote);
	result = getsockopt(sock, IPPROTO_TCP, MPTCP_OPEN_SUB_TUPLE, tuple, &length);
	return result ? result : tuple->id;
}

static int open_without_prio(const struct sockaddr_in *local, const struct sockaddr_in *remote)
{
	char buffer[sizeof(struct mptcp_sub_tuple) + 2 * sizeof *local];
	struct mptcp_sub_tuple *tuple = (void *)buffer;
	socklen_t length = sizeof buffer;
	int result;

	tuple->id = 0;
	memcpy(tuple->addrs, local, sizeof *local);
	memcpy(tuple->addrs + sizeof *local, remote, sizeof *remote);
	result = getsockopt(sock, IPPROTO_TCP, MPTCP_OPEN_SUB_TUPLE, tuple, &length);
	return result ? result : tuple->id;
}

/* With a buffer that grows until it is large enough. */
static void list(void)
{
	struct mptcp_sub_ids *ids = NULL;
	socklen_t length = 2;
	int result;

	do {
		ids = realloc(ids, length += 2);
		result = getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_IDS, ids, &length);
	} while (result && errno == EINVAL);
	if (result)
		die("MPTCP_GET_SUB_IDS");
	printf("listed");
	for (int i = 0; i < ids->sub_count; i++)
		printf(" %d%s", ids->sub_status[i].id, ids->sub_status[i].low_prio ? "*" : "");
	printf("\n");
	free(ids);
}

static void say_endpoint(const uint8_t *at)
{
	struct sockaddr_in address;

	memcpy(&address, at, sizeof address);
	printf(" %s:%d", inet_ntoa(address.sin_addr), ntohs(address.sin_port));
}

static void say_tuple(int id)
{
	uint8_t buffer[2 + 2 * sizeof(struct sockaddr_in6)] = {id};
	socklen_t length = 1 + 2 * sizeof(struct sockaddr_in);

	/* Without prio, ... */
	if (getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_TUPLE, buffer, &length) || length != 33)
		die("MPTCP_GET_SUB_TUPLE");
	printf("tuple %d", id);
	say_endpoint(buffer + 1);
	say_endpoint(buffer + 1 + sizeof(struct sockaddr_in));
	/* ... and with it, in a buffer that would do for IPv6. */
	length = sizeof buffer;
	if (getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_TUPLE, buffer, &length) || length != 34)
		die("MPTCP_GET_SUB_TUPLE with prio");
	printf(" %d\n", buffer[1]);
}

static int get_tos(int id, int *tos)
{
	unsigned int size = sizeof *tos;
	struct mptcp_sub_getsockopt asked = {
		.id = id, .level = SOL_IP, .optname = IP_TOS, .optval = (char *)tos, .optlen = &size,
	};
	socklen_t length = sizeof asked;

	return getsockopt(sock, IPPROTO_TCP, MPTCP_SUB_GETSOCKOPT, &asked, &length);
}

static int set_option(int id, int level, int name, int value)
{
	struct mptcp_sub_setsockopt wanted = {
		.id = id, .level = level, .optname = name, .optval = (char *)&value,
		.optlen = sizeof value,
	};

	return setsockopt(sock, IPPROTO_TCP, MPTCP_SUB_SETSOCKOPT, &wanted, sizeof wanted);
}

static int set_tos(int id, int tos)
{
	return set_option(id, SOL_IP, IP_TOS, tos);
}

static void say_tos(int id)
{
	int tos = -1;

	if (get_tos(id, &tos))
		say_error("get_tos", -1);
	else
		printf("tos %d %d\n", id, tos);
}

static int close_sub(int id)
{
	struct mptcp_close_sub_id closing = {id};
	socklen_t length = sizeof closing;

	return getsockopt(sock, IPPROTO_TCP, MPTCP_CLOSE_SUB_ID, &closing, &length);
}

static void try_what_cannot_be(const char *first, const struct sockaddr_in *remote)
{
	struct sockaddr_in local;
	uint8_t buffer[60] = {100};
	struct draft_close_sub_id closing = {100, SHUT_RDWR};
	socklen_t length = sizeof buffer;
	int tos;

	say_error("tuple", getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_TUPLE, buffer, &length));
	length = sizeof closing;
	say_error("close", getsockopt(sock, IPPROTO_TCP, MPTCP_CLOSE_SUB_ID, &closing, &length));
	say_error("get", get_tos(100, &tos));
	say_error("set", set_tos(100, 28));
	say_error("mark", set_option(1, SOL_SOCKET, SO_MARK, 7));
	say_error("priority", set_option(1, SOL_SOCKET, SO_PRIORITY, 6));
	say_error("bpf", set_option(1, IPPROTO_TCP, 1001, 6));
	resolve(first, 10, &local);
	say_error("port", open_without_prio(&local, remote) < 0);
	length = 20;
	say_error("short", getsockopt(sock, IPPROTO_TCP, MPTCP_OPEN_SUB_TUPLE, buffer, &length));
	length = 33;
	say_error("pointer", getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_TUPLE, (void *)8, &length));
	say_error("constant", getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_IDS, (char *)"x", &length));
	say_error("descriptor", getsockopt(sock + 1, IPPROTO_TCP, MPTCP_GET_SUB_IDS, buffer, &length));
	say_error("file", getsockopt(0, IPPROTO_TCP, MPTCP_GET_SUB_IDS, buffer, &length));
	printf("error name %d\n", resolve("multipath-tcp..org", 80, &local) ? EINVAL : 0);
}

int main(int argc, char **argv)
{
	struct sockaddr_in local, remote;
	socklen_t size = sizeof remote;
	int low, normal;
	char answer[40] = {0};
	socklen_t length = sizeof answer;

	if (argc != 5)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	make_connection(argv[1], atoi(argv[2]), argv[3]);
	ask("keep-alive");
	getpeername(sock, (struct sockaddr *)&remote, &size);

	resolve(argv[4], 0, &local);
	if ((low = open_with_prio(&local, &remote, 1)) < 0)
		die("open with prio");
	printf("opened %d\n", low);
	resolve(argv[3], 0, &local);
	if ((normal = open_without_prio(&local, &remote)) < 0)
		die("open");
	printf("opened %d\n", normal);
	list();
	say_tuple(1);
	say_tuple(low);
	say_tuple(normal);
	try_what_cannot_be(argv[3], &remote);
	if (set_tos(normal, 28))
		say_error("set_tos", -1);
	say_tos(normal);
	say_tos(1);
	printf("ready\n");
	getchar();

	if (close_sub(low))
		die("close");
	printf("closed %d\n", low);
	list();
	ask("close");
	shutdown(sock, SHUT_WR);
	while (recv(sock, answer, sizeof answer, 0) > 0)
		;
	/* The connection ends now; how fast, the peer decides. */
	do
		length = sizeof answer;
	while (!getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_IDS, answer, &length) && !usleep(10000));
	say_error("closed", -1);
	close(sock);
	say_error("closed_descriptor", getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_IDS, answer, &length));
	return 0;
}
