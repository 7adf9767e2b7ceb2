/* Makes TCP sockets in unusual ways, and says the protocol that came of each:
 *
 *   WAY PROTOCOL, or WAY -ERRNO, or WAY signal NUMBER where the kernel does not know the way
 *
 * Calls of 32 bits take a program below 4 GiB: gcc -static -no-pie.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define OP_SOCKET 45 /* IORING_OP_SOCKET, Linux 5.19 */

static volatile int told; /* by a child that has its parent's memory */

static int protocol_of(int fd)
{
	int protocol;
	socklen_t size = sizeof protocol;

	if (fd < 0)
		return fd;
	return getsockopt(fd, SOL_SOCKET, SO_PROTOCOL, &protocol, &size) ? -errno : protocol;
}

static int by_vfork(void)
{
	pid_t child = vfork();

	if (child == 0) {
		told = protocol_of(socket(AF_INET, SOCK_STREAM, 0));
		_exit(0);
	}
	waitpid(child, NULL, 0);
	return told;
}

#ifdef __x86_64__
static long call_of_32_bits(long number, long first, long second, long third)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(first), "c"(second), "d"(third)
			 : "memory", "r8", "r9", "r10", "r11");
	return result;
}

static int by_i386(void)
{
	return protocol_of(call_of_32_bits(359, AF_INET, SOCK_STREAM, 0));
}

static int by_socketcall(void)
{
	static int arguments[] = {AF_INET, SOCK_STREAM, 0};

	return protocol_of(call_of_32_bits(102, 1, (long)arguments, 0));
}

/* An old option by a call of 32 bits: it never reaches the supervisor, and no kernel knows it. */
static int by_getsockopt_of_i386(void)
{
	static int zero;
	static int arguments[] = {0, IPPROTO_TCP, 66, 0, 0};

	arguments[0] = socket(AF_INET, SOCK_STREAM, 0);
	arguments[3] = arguments[4] = (int)(intptr_t)&zero;
	return call_of_32_bits(102, 15, (long)arguments, 0);
}

static int by_x32(void)
{
	int fd = syscall(0x40000000 | SYS_socket, AF_INET, SOCK_STREAM, 0);

	return fd < 0 ? -errno : protocol_of(fd);
}
#endif

static int by_io_uring(void)
{
	struct io_uring_params params = {0};
	int ring = syscall(SYS_io_uring_setup, 1, &params);
	uint8_t *queues;
	struct io_uring_sqe *request;
	struct io_uring_cqe *answer;

	if (ring < 0)
		return -errno;
	queues = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQ_RING);
	request = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_SQES);
	if (queues == MAP_FAILED || request == MAP_FAILED)
		return -errno;
	memset(request, 0, sizeof *request);
	request->opcode = OP_SOCKET;
	request->fd = AF_INET;
	request->off = SOCK_STREAM;
	*(uint32_t *)(queues + params.sq_off.array) = 0;
	__atomic_store_n((uint32_t *)(queues + params.sq_off.tail), 1, __ATOMIC_RELEASE);
	if (syscall(SYS_io_uring_enter, ring, 1, 1, IORING_ENTER_GETEVENTS, NULL, 0) < 0)
		return -errno;
	answer = (void *)(queues + params.cq_off.cqes); /* IORING_FEAT_SINGLE_MMAP */
	return protocol_of(answer->res);
}

/* In a child, as a call that the kernel does not know may kill. */
static void say(const char *way, int (*make)(void))
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		printf("%s %d\n", way, make());
		fflush(stdout);
		_exit(0);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status))
		printf("%s signal %d\n", way, WTERMSIG(status));
	fflush(stdout);
}

int main(void)
{
	say("vfork", by_vfork);
#ifdef __x86_64__
	say("i386", by_i386);
	say("socketcall", by_socketcall);
	say("option", by_getsockopt_of_i386);
	say("x32", by_x32);
#endif
	say("io_uring", by_io_uring);
	return 0;
}
