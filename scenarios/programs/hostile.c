/* Calls the old options with random lengths and pointers, in several threads and children.
 *
 * Usage: hostile SERVER PORT CALLS. It says how many calls gave which errno, and then, of a new
 * connection, what subflow it has.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "old_api.h"

#define THREADS 4
#define PAGE 4096

static struct addrinfo *server;
static int calls;
static volatile int over;
static uint8_t *pages; /* to be written, to be read, neither, and what changes all the time */
static int counts[THREADS][200];

static int make_connection(void)
{
	int sock = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	if (connect(sock, server->ai_addr, server->ai_addrlen))
		exit(3);
	send(sock, "GET / HTTP/1.1\r\n\r\n", 18, 0);
	recv(sock, &byte, 1, 0);
	return sock;
}

static uint64_t next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	return *state ^= *state << 17;
}

static void *some_pointer(uint64_t *state)
{
	switch (next(state) % 8) {
	case 0:
		return NULL;
	case 1:
		return (void *)next(state);
	case 2:
		return pages + PAGE + next(state) % PAGE;
	case 3:
		return pages + 2 * PAGE + next(state) % PAGE;
	case 4:
		return pages + 3 * PAGE + next(state) % PAGE;
	case 5: /* begins where it can be written to */
		return pages + PAGE - next(state) % 40;
	default:
		return pages + next(state) % (PAGE - 300);
	}
}

static socklen_t some_length(uint64_t *state)
{
	static const socklen_t usual[] = {0, 1, 8, 32, 33, 34, 57, 58, 60, 100, 256};

	switch (next(state) % 4) {
	case 0:
		return next(state);
	case 1:
		return next(state) % 300;
	default:
		return usual[next(state) % 11];
	}
}

/* What stands in the struct: noise, or nearly what should. */
static void fill(uint64_t *state, uint8_t *at)
{
	struct mptcp_sub_getsockopt get = {
		.id = next(state) % 4, .level = next(state) % 8, .optname = next(state) % 80,
		.optval = some_pointer(state), .optlen = some_pointer(state),
	};
	struct sockaddr_in end = {.sin_family = AF_INET, .sin_port = htons(next(state) % 3 ? 0 : 80)};

	inet_aton(next(state) % 2 ? "192.168.34.10" : "10.0.9.2", &end.sin_addr);
	switch (next(state) % 3) {
	case 0:
		for (int i = 0; i < 64; i++)
			at[i] = next(state);
		break;
	case 1:
		memcpy(at, &get, sizeof get);
		break;
	default:
		at[0] = at[1] = next(state) % 2;
		memcpy(at + 1 + at[0], &end, sizeof end);
		memcpy(at + 1 + at[0] + sizeof end, &end, sizeof end);
	}
}

static void *torment(void *argument)
{
	int *count = argument, sock = -1;
	uint64_t state = 88172645463325252ull + (count - counts[0]) * 2654435761u + getpid();

	for (int i = 0; i < calls; i++) {
		if (i % 100 == 0) {
			close(sock);
			sock = make_connection();
		}
		int option = 66 + next(&state) % 7, fd = next(&state) % 8 ? sock : (int)next(&state);
		uint8_t *at = some_pointer(&state);
		socklen_t length = some_length(&state), *length_at = &length;
		int result;

		if (at >= pages && at < pages + PAGE - 300)
			fill(&state, at);
		if (option == MPTCP_OPEN_SUB_TUPLE && next(&state) % 2)
			length = 33 + (at >= pages && at < pages + PAGE - 300 ? at[0] % 2 : 0);
		if (next(&state) % 16 == 0)
			length_at = some_pointer(&state);
		if (option == MPTCP_SUB_SETSOCKOPT || next(&state) % 16 == 0)
			result = setsockopt(fd, IPPROTO_TCP, option, at, length);
		else
			result = getsockopt(fd, IPPROTO_TCP, option, at, length_at);
		count[result ? errno : 0]++;
		if (i == calls / 2 && fork() == 0) {
			/* The child of a thread goes on by itself, and is killed in one of its calls. */
			alarm(1);
			for (;;)
				getsockopt(sock, IPPROTO_TCP, MPTCP_GET_SUB_IDS, pages, &length);
		}
	}
	return NULL;
}

static void *change(void *nothing)
{
	while (!over) {
		mprotect(pages + 3 * PAGE, PAGE, PROT_NONE);
		usleep(200);
		mprotect(pages + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE);
		usleep(200);
		mmap(pages + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	}
	return nothing;
}

int main(int argc, char **argv)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM};
	pthread_t threads[THREADS], changing;
	struct mptcp_sub_ids *ids = malloc(256);
	socklen_t length = 256;

	if (argc != 4 || getaddrinfo(argv[1], argv[2], &hints, &server))
		return 2;
	calls = atoi(argv[3]) / THREADS;
	pages = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mprotect(pages + PAGE, PAGE, PROT_READ);
	mprotect(pages + 2 * PAGE, PAGE, PROT_NONE);
	pthread_create(&changing, NULL, change, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, torment, counts[i]);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	over = 1;
	pthread_join(changing, NULL);
	while (wait(NULL) > 0)
		;
	for (int code = 0; code < 200; code++) {
		int sum = 0;

		for (int i = 0; i < THREADS; i++)
			sum += counts[i][code];
		if (sum)
			printf("errno %d %d\n", code, sum);
	}
	if (getsockopt(make_connection(), IPPROTO_TCP, MPTCP_GET_SUB_IDS, ids, &length))
		return 4;
	printf("listed %d\n", ids->sub_status[0].id);
	return 0;
}
