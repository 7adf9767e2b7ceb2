/* A plug-in of libioth: a network namespace whose sockets receive in capitals.
 *
 *   gcc -shared -fPIC -DNAME=shouting -o ~/.ioth/ioth_shouting.so ioth_shouting.c
 *
 * -DWITH_OPTIONS: newstack has the argument options ("soft": no capitals).
 * -DPLAIN: all functions for sockets are the C library's; nothing is in capitals.
 * -DMESSAGES: data goes by recvmsg and sendmsg alone.
 * -DLICENSE='"SPDX-License-Identifier: …"', -DCRASH_ON_LOAD, -DHANG_ON_LOAD, -DCRASH_IN_NEWSTACK,
 * -DCRASH_ON_UNLOAD, -DNO_NEWSTACK, -DKEEPS_STACK (delstack refuses the first time)
 *
 * It is written for one stack: that there can be two takes two address spaces.
 */
#define _GNU_SOURCE
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct ioth_functions {
	void *(*getstackdata)(void);
	void *newstack, *delstack, *socket;
	int (*close)(int);
	int (*bind)(int, const struct sockaddr *, socklen_t);
	int (*connect)(int, const struct sockaddr *, socklen_t);
	int (*listen)(int, int);
	int (*accept)(int, struct sockaddr *, socklen_t *);
	int (*getsockname)(int, struct sockaddr *, socklen_t *);
	int (*getpeername)(int, struct sockaddr *, socklen_t *);
	int (*setsockopt)(int, int, int, const void *, socklen_t);
	int (*getsockopt)(int, int, int, void *, socklen_t *);
	int (*shutdown)(int, int);
	void *ioctl;
	int (*fcntl)(int, int, ...);
	void *read, *readv, *recv;
	ssize_t (*recvfrom)(int, void *, size_t, int, struct sockaddr *, socklen_t *);
	ssize_t (*recvmsg)(int, struct msghdr *, int);
	void *write, *writev;
	ssize_t (*send)(int, const void *, size_t, int);
	ssize_t (*sendto)(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
	ssize_t (*sendmsg)(int, const struct msghdr *, int);
};

struct stack {
	int namespace, soft;
};

static struct stack *only;
static void *(*getstackdata)(void);

#define PASTE(name, function) ioth_##name##_##function
#define EXPANDED(name, function) PASTE(name, function)
#define FUNCTION(function) EXPANDED(NAME, function)

#ifdef LICENSE
const char *FUNCTION(license) = LICENSE;
#endif

#ifdef CRASH_ON_LOAD
__attribute__((constructor)) static void crash(void)
{
	abort();
}
#endif

#ifdef HANG_ON_LOAD
__attribute__((constructor)) static void hang(void)
{
	pause();
}
#endif

#ifdef CRASH_ON_UNLOAD
__attribute__((destructor)) static void crash(void)
{
	abort();
}
#endif

static void *new_namespace(void *stack)
{
	if (unshare(CLONE_NEWNET) == 0)
		((struct stack *)stack)->namespace = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return NULL;
}

static void shout(char *text, ssize_t count)
{
	for (ssize_t each = 0; each < count; each++)
		text[each] = toupper(text[each]);
}

#ifdef MESSAGES
static ssize_t receive(int fd, struct msghdr *message, int flags)
{
	ssize_t count = recvmsg(fd, message, flags);
	struct sockaddr *from = message->msg_name;

	if (message->msg_namelen == 0 || from->sa_family != AF_NETLINK)
		shout(message->msg_iov[0].iov_base, count);
	return count;
}
#endif

#ifdef NO_NEWSTACK
#define NEWSTACK FUNCTION(another)
#else
#define NEWSTACK FUNCTION(newstack)
#endif

#ifdef WITH_OPTIONS
void *NEWSTACK(const char *vnlv[], const char *options, struct ioth_functions *f)
{
	int soft = strcmp(options, "soft") == 0;
#else
void *NEWSTACK(const char *vnlv[], struct ioth_functions *f)
{
	int soft = 0;
#endif
	pthread_t thread;
#ifdef CRASH_IN_NEWSTACK
	abort();
#endif
	if (only) {
		errno = EBUSY;
		return NULL;
	}
	if (vnlv && vnlv[0]) {
		errno = EADDRNOTAVAIL;
		return NULL;
	}
	getstackdata = f->getstackdata;
	only = calloc(1, sizeof(*only));
	only->soft = soft;
	pthread_create(&thread, NULL, new_namespace, only);
	pthread_join(thread, NULL);
	/* Assigned here; socket, recvfrom and delstack are found by their names. */
	f->close = close;
	f->bind = bind;
	f->connect = connect;
	f->listen = listen;
	f->accept = accept;
	f->getsockname = getsockname;
	f->getpeername = getpeername;
	f->setsockopt = setsockopt;
	f->getsockopt = getsockopt;
	f->shutdown = shutdown;
	f->fcntl = fcntl;
#ifdef MESSAGES
	f->recvfrom = NULL;
	f->recvmsg = receive;
	f->sendmsg = sendmsg;
#else
	f->send = send;
	f->sendto = sendto;
#endif
#ifdef PLAIN
	f->recvfrom = recvfrom;
#endif
	return only;
}

int FUNCTION(delstack)(void *stack)
{
#ifdef KEEPS_STACK
	static int asked;

	if (asked++ == 0) {
		errno = EBUSY;
		return -1;
	}
#endif
	close(((struct stack *)stack)->namespace);
	free(stack);
	only = NULL;
	return 0;
}

int FUNCTION(socket)(int domain, int type, int protocol)
{
	struct stack *stack = getstackdata();
	int made, code, home = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	if (setns(stack->namespace, CLONE_NEWNET) != 0)
		return close(home), -1;
	made = socket(domain, type, protocol);
	code = errno;
	setns(home, CLONE_NEWNET);
	close(home);
	errno = code;
	return made;
}

ssize_t FUNCTION(recvfrom)(int fd, void *buffer, size_t size, int flags, struct sockaddr *from,
			   socklen_t *length)
{
	struct stack *stack = getstackdata();
	char name[16];

	prctl(PR_GET_NAME, name);
	prctl(PR_SET_NAME, "in recvfrom"); /* for who waits until a thread is in here */
	ssize_t count = recvfrom(fd, buffer, size, flags, from, length);
	prctl(PR_SET_NAME, name);
	int is_netlink = from && *length >= sizeof(sa_family_t) && from->sa_family == AF_NETLINK;

	if (!is_netlink && !stack->soft)
		shout(buffer, count);
	return count;
}
