/* The socket API of draft-hesmans-mptcp-socket, as the headers of its kernel had it. */
#ifndef OLD_API_H
#define OLD_API_H

#include <stdint.h>

#define MPTCP_GET_SUB_IDS 66
#define MPTCP_CLOSE_SUB_ID 67
#define MPTCP_GET_SUB_TUPLE 68
#define MPTCP_OPEN_SUB_TUPLE 69
#define MPTCP_GET_SUB_INFO 70
#define MPTCP_SUB_GETSOCKOPT 71
#define MPTCP_SUB_SETSOCKOPT 72

struct mptcp_sub_status {
	uint8_t id;
	uint16_t slave_sk : 1, fully_established : 1, attached : 1, low_prio : 1,
		pre_established : 1;
};

struct mptcp_sub_ids {
	uint8_t sub_count;
	struct mptcp_sub_status sub_status[];
};

/* As the kernel had it, ... */
struct mptcp_sub_tuple {
	uint8_t id;
	uint8_t addrs[];
};

struct mptcp_close_sub_id {
	uint8_t id;
};

/* ... and as the draft has it. */
struct draft_sub_tuple {
	uint8_t id;
	uint8_t prio;
	uint8_t addrs[];
};

struct draft_close_sub_id {
	uint8_t id;
	int how;
};

struct mptcp_sub_getsockopt {
	uint8_t id;
	int level;
	int optname;
	char *optval;
	unsigned int *optlen;
};

struct mptcp_sub_setsockopt {
	uint8_t id;
	int level;
	int optname;
	char *optval;
	unsigned int optlen;
};

#endif
