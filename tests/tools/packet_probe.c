/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Real packets between network namespaces, thousands at a time. Two ways to run it, both commanded
 * by lines on standard input and ended by its end:
 *
 *	packet_probe serve
 *		at NETNS TAG PORTS	listen on these ports, TCP and UDP, IPv4 and IPv6. Who
 *					connects or sends a datagram is answered TAG. Answer: "ok"
 *		hits			how many there were since "at". Answer: "TAG=COUNT…"
 *	packet_probe send
 *		shut ID NETNS UID PROTO SOURCE SPORT DEST PORTS
 *		open ID NETNS UID PROTO SOURCE SPORT DEST PORTS
 *			one packet from NETNS to each of the ports of DEST: a SYN by connect(2), or
 *			a datagram, of a socket that UID made. SOURCE "-" and SPORT 0 leave the
 *			choice to the kernel; an address that NETNS does not have is used all the
 *			same. "open" waits for the answers, "shut" does not wait but reports what
 *			has come. Answer: "ID PORT=TAG… PORT!ERRNO… sent=COUNT again=COUNT", the
 *			errors being of packets that were not sent; the second count is of SYNs that
 *			the kernel repeated. PROTO is tcp, udp, or the number of another protocol, of
 *			which one bare packet is sent for "port" 0, or an echo request
 *		counters NETNS		its named counters in the JSON of nft(8), on one line
 *		forget NETNS		empty its connection tracking. Answer: "ok"
 *
 * PORTS is "22,80,1000-1009". A namespace is a name in /run/netns.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/netlink.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <nftables/libnftables.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/str.h"

#define PORTS_MAX 65536
#define CHUNK 256 /* sockets at the same time */
#define TAG_MAX 32
#define REPEAT_TIME (500 * USEC_PER_MSEC) /* far before a SYN is sent again */
#define ANSWER_TIME (1500 * USEC_PER_MSEC) /* only ever waited when the answer is missing */

static double factor = 1; /* LAZARET_TIME_FACTOR */

/* --- lines ------------------------------------------------------------------------------------ */

static const char *word(char **rest)
{
	const char *w = strsep(rest, " ");

	if (!w || !w[0]) {
		fprintf(stderr, "packet_probe: a word is missing\n");
		exit(2);
	}
	return w;
}

static uint32_t number(const char *text, int64_t max)
{
	int64_t value;

	if (str_to_int(text, 0, max, &value) < 0) {
		fprintf(stderr, "packet_probe: \"%s\" is no number up to %lld\n", text,
			(long long)max);
		exit(2);
	}
	return (uint32_t)value;
}

/* Fills `ports`, which has PORTS_MAX elements. */
static size_t parse_ports(const char *text, uint16_t *ports)
{
	char copy[64 * 1024];
	char *rest = copy, *part;
	size_t n = 0;

	if (!str_copy(copy, sizeof(copy), text))
		exit(2);
	while ((part = strsep(&rest, ","))) {
		char *last = strchr(part, '-');
		uint32_t low, high;

		if (last)
			*last++ = '\0';
		low = number(part, 65535);
		high = last ? number(last, 65535) : low;
		for (uint32_t port = low; port <= high && n < PORTS_MAX; port++)
			ports[n++] = (uint16_t)port;
	}
	return n;
}

static void enter(const char *netns)
{
	_cleanup_fd_ int dir = open("/run/netns", O_DIRECTORY | O_PATH | O_CLOEXEC);
	_cleanup_fd_ int fd = openat(dir, netns, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
		fprintf(stderr, "packet_probe: namespace %s: %s\n", netns, strerror(errno));
		exit(2);
	}
}

/* --- serve ------------------------------------------------------------------------------------ */

struct place {
	struct place *next;
	char tag[TAG_MAX];
	unsigned int hits;
};

struct service {
	int fd;
	bool is_tcp;
	struct place *place;
};

static struct place *places;

/* Both families by one socket. */
static int bind_port(int type, uint16_t port)
{
	struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	int fd = socket(AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int off = 0, on = 1;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    (type == SOCK_STREAM && listen(fd, 64) < 0)) {
		fprintf(stderr, "packet_probe: port %u: %s\n", port, strerror(errno));
		exit(2);
	}
	return fd;
}

static void serve_at(int epoll, char *rest)
{
	static const int types[] = {SOCK_STREAM, SOCK_DGRAM};
	static uint16_t ports[PORTS_MAX];
	struct place *place = calloc(1, sizeof(*place));
	size_t n;

	if (!place)
		exit(2);
	place->next = places;
	places = place;
	enter(word(&rest));
	str_copy(place->tag, sizeof(place->tag), word(&rest));
	n = parse_ports(word(&rest), ports);
	for (size_t i = 0; i < n * 2; i++) {
		struct service *service = calloc(1, sizeof(*service));
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = service};

		if (!service)
			exit(2);
		service->is_tcp = types[i % 2] == SOCK_STREAM;
		service->fd = bind_port(types[i % 2], ports[i / 2]);
		service->place = place;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, service->fd, &event) < 0)
			exit(2);
	}
	puts("ok");
}

static void print_hits(void)
{
	for (const struct place *place = places; place; place = place->next)
		printf("%s=%u%s", place->tag, place->hits, place->next ? " " : "\n");
}

static void answer(const struct service *service)
{
	struct place *place = service->place;
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	char data[64];
	int fd;

	if (!service->is_tcp) {
		while (recvfrom(service->fd, data, sizeof(data), 0, (struct sockaddr *)&peer,
				&len) >= 0) {
			place->hits++;
			(void)!sendto(service->fd, place->tag, strlen(place->tag), 0,
				      (struct sockaddr *)&peer, len);
			len = sizeof(peer);
		}
		return;
	}
	while ((fd = accept4(service->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0) {
		place->hits++;
		(void)!send(fd, place->tag, strlen(place->tag), MSG_NOSIGNAL);
		close(fd);
	}
}

static bool next_line(char **line, size_t *room)
{
	ssize_t n = getline(line, room, stdin);

	if (n > 0 && (*line)[n - 1] == '\n')
		(*line)[n - 1] = '\0';
	return n > 0;
}

/* Lines of its own and sockets in one loop; each line is answered before the next is sent. */
static int serve(void)
{
	struct epoll_event events[64], input = {.events = EPOLLIN, .data.ptr = NULL};
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char *line = NULL;
	size_t room = 0;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input) < 0)
		return 2;
	for (;;) {
		int n = epoll_wait(epoll, events, ARRAY_LEN(events), -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr) {
				answer(events[i].data.ptr);
				continue;
			}
			if (!next_line(&line, &room))
				return 0;
			if (str_eq(line, "hits"))
				print_hits();
			else if (strncmp(line, "at ", 3) == 0)
				serve_at(epoll, line + 3);
			else
				return 2;
		}
	}
}

/* --- send ------------------------------------------------------------------------------------- */

struct group {
	bool wait;
	const char *id;
	uid_t uid;
	bool is_tcp;
	int raw; /* number of a protocol that has no ports, or 0 */
	struct sockaddr_storage source, dest;
	socklen_t len;
	uint16_t *ports;
	size_t n_ports;
	unsigned int sent, again;
};

struct attempt {
	int fd; /* TCP: one each */
	uint16_t port;
	int error; /* of sending */
	bool stirred; /* TCP: something may have come back, or been sent again */
	char tag[TAG_MAX];
};

static void set_port(struct sockaddr_storage *address, uint16_t port)
{
	if (address->ss_family == AF_INET)
		((struct sockaddr_in *)address)->sin_port = htons(port);
	else
		((struct sockaddr_in6 *)address)->sin6_port = htons(port);
}

static uint16_t get_port(const struct sockaddr_storage *address)
{
	return ntohs(address->ss_family == AF_INET
			     ? ((const struct sockaddr_in *)address)->sin_port
			     : ((const struct sockaddr_in6 *)address)->sin6_port);
}

static socklen_t parse_address(const char *text, struct sockaddr_storage *address)
{
	struct sockaddr_in *in = (struct sockaddr_in *)address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;

	memset(address, 0, sizeof(*address));
	if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
		address->ss_family = AF_INET;
		return sizeof(*in);
	}
	if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		address->ss_family = AF_INET6;
		return sizeof(*in6);
	}
	fprintf(stderr, "packet_probe: \"%s\" is no address\n", text);
	exit(2);
}

/* The owner of sockets that are made from now on: what rules see as the sender of their packets. */
static void become(uid_t uid)
{
	if (setegid(uid) < 0 || seteuid(uid) < 0)
		exit(2);
}

static void use_source(const struct group *group, int fd)
{
	int family = group->dest.ss_family, on = 1;
	int foreign = family == AF_INET ? IP_TRANSPARENT : IPV6_TRANSPARENT;

	/* Nothing that answers to the other family's socket of the same port is for this one. */
	if ((family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    setsockopt(fd, family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6, foreign, &on,
		       sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&group->source, group->len) < 0) {
		fprintf(stderr, "packet_probe: source: %s\n", strerror(errno));
		exit(2);
	}
}

static int prepared_socket(const struct group *group)
{
	int type = group->is_tcp ? SOCK_STREAM : group->raw ? SOCK_RAW : SOCK_DGRAM;
	int fd = socket(group->dest.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, group->raw);

	if (fd < 0)
		exit(2);
	if (group->source.ss_family != AF_UNSPEC)
		use_source(group, fd);
	return fd;
}

/* A filter that drops on the way out makes sendto(2) fail with EPERM: that was sent, and dropped. */
static bool was_sent(int r)
{
	return r >= 0 || errno == EINPROGRESS || errno == EPERM || errno == EACCES ||
	       errno == ECONNREFUSED || errno == EHOSTUNREACH;
}

static int send_bare(const struct group *group, int fd)
{
	/* With its checksum; of ICMPv6 the kernel makes it. */
	static const uint8_t echo[8] = {8, 0, 0xf7, 0xff}, echo6[8] = {128};
	const uint8_t *packet = group->raw == IPPROTO_ICMPV6 ? echo6 : echo;

	return (int)sendto(fd, packet, sizeof(echo), 0, (const struct sockaddr *)&group->dest,
			   group->len);
}

static void send_one(struct group *group, struct attempt *attempt, int udp)
{
	const struct sockaddr *dest = (const struct sockaddr *)&group->dest;
	int r;

	set_port(&group->dest, attempt->port);
	attempt->tag[0] = '\0';
	attempt->error = 0;
	attempt->fd = group->is_tcp ? prepared_socket(group) : -1;
	errno = 0;
	r = group->is_tcp ? connect(attempt->fd, dest, group->len)
	    : group->raw  ? send_bare(group, udp)
			  : (int)sendto(udp, "probe", 5, 0, dest, group->len);
	if (was_sent(r))
		group->sent++;
	else
		attempt->error = errno;
}

/* One read of a TCP attempt: true when there is nothing more to wait for. */
static bool read_tag(struct attempt *attempt)
{
	char tag[TAG_MAX];
	ssize_t n = recv(attempt->fd, tag, sizeof(tag) - 1, 0);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n > 0) {
		tag[n] = '\0';
		str_copy(attempt->tag, sizeof(attempt->tag), tag);
	}
	return true;
}

/* One look at many: most of them have nothing to tell, and each question costs a system call. */
static void notice_tcp(struct attempt *attempts, size_t n, uint64_t started)
{
	struct pollfd fds[CHUNK];
	bool late;

	for (size_t i = 0; i < n; i++)
		fds[i] = (struct pollfd){.fd = attempts[i].fd, .events = POLLIN | POLLOUT};
	(void)!poll(fds, n, 0);
	late = clock_now() - started > REPEAT_TIME;
	for (size_t i = 0; i < n; i++)
		attempts[i].stirred = late || fds[i].revents;
}

static void gather_tcp(struct attempt *attempts, size_t n, uint64_t deadline)
{
	struct pollfd fds[CHUNK];
	size_t left = n;

	for (size_t i = 0; i < n; i++) {
		fds[i] = (struct pollfd){.fd = attempts[i].fd, .events = POLLIN};
		attempts[i].stirred = true;
	}
	while (left > 0) {
		uint64_t now = clock_now();
		int timeout = now < deadline ? (int)((deadline - now) / USEC_PER_MSEC) + 1 : 0;
		int ready = poll(fds, n, timeout);

		for (size_t i = 0; i < n; i++) {
			if (fds[i].fd >= 0 && fds[i].revents && read_tag(&attempts[i])) {
				fds[i].fd = -1;
				left--;
			}
		}
		if (ready <= 0 || now >= deadline)
			break;
	}
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)a)->sin_addr,
			      &((const struct sockaddr_in *)b)->sin_addr, 4) == 0;
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		      &((const struct sockaddr_in6 *)b)->sin6_addr, 16) == 0;
}

static void note_datagram(const struct group *group, struct attempt *attempts, size_t n,
			  const struct sockaddr_storage *from, const char *tag)
{
	for (size_t i = 0; i < n; i++) {
		if (attempts[i].port == get_port(from) && !attempts[i].tag[0])
			str_copy(attempts[i].tag, TAG_MAX,
				 same_host(from, &group->dest) ? tag : "another-host");
	}
}

static void gather_udp(const struct group *group, int udp, struct attempt *attempts, size_t n,
		       uint64_t deadline)
{
	size_t left = n;

	while (left > 0) {
		struct pollfd pollfd = {.fd = udp, .events = POLLIN};
		struct sockaddr_storage from;
		socklen_t len = sizeof(from);
		uint64_t now = clock_now();
		int timeout = now < deadline ? (int)((deadline - now) / USEC_PER_MSEC) + 1 : 0;
		char tag[TAG_MAX];
		ssize_t got;

		if (poll(&pollfd, 1, timeout) <= 0)
			return;
		got = recvfrom(udp, tag, sizeof(tag) - 1, 0, (struct sockaddr *)&from, &len);
		if (got < 0) {
			if (now >= deadline)
				return;
			continue; /* an error of ICMP; read is forgotten */
		}
		tag[got] = '\0';
		note_datagram(group, attempts, n, &from, tag);
		left--;
	}
}

/* What the kernel knows of a connection; it is to go without state in either kernel. */
static void finish_tcp(struct group *group, struct attempt *attempt)
{
	struct linger linger = {.l_onoff = 1};
	struct tcp_info info;
	socklen_t len = sizeof(info);

	if (getsockopt(attempt->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0)
		exit(2);
	group->again += info.tcpi_total_retrans;
	if (info.tcpi_state != TCP_SYN_SENT && info.tcpi_state != TCP_CLOSE) {
		/* Answered, but nobody said who: that is an answer as well. */
		if (!attempt->tag[0])
			str_copy(attempt->tag, sizeof(attempt->tag), "somebody");
		(void)setsockopt(attempt->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	}
}

static void finish_attempt(struct group *group, struct attempt *attempt)
{
	if (attempt->fd >= 0 && attempt->stirred)
		finish_tcp(group, attempt);
	attempt->fd = fd_close(attempt->fd);
	if (attempt->tag[0])
		printf(" %u=%s", attempt->port, attempt->tag);
	if (attempt->error)
		printf(" %u!%d", attempt->port, attempt->error);
}

static void send_group(struct group *group, struct attempt *attempts)
{
	int udp = group->is_tcp ? -1 : prepared_socket(group);

	for (size_t i = 0; i < group->n_ports; i++)
		attempts[i].port = group->ports[i];
	for (size_t at = 0; at < group->n_ports; at += CHUNK) {
		size_t n = MIN((size_t)CHUNK, group->n_ports - at);
		uint64_t started = clock_now(), deadline = started;

		for (size_t i = 0; i < n; i++)
			send_one(group, &attempts[at + i], udp);
		if (group->wait)
			deadline += (uint64_t)((double)ANSWER_TIME * factor);
		if (group->is_tcp && group->wait)
			gather_tcp(attempts + at, n, deadline);
		else if (group->is_tcp)
			notice_tcp(attempts + at, n, started);
		else if (!group->raw)
			gather_udp(group, udp, attempts + at, n, deadline);
		if (at == 0)
			printf("%s", group->id);
		for (size_t i = 0; i < n; i++)
			finish_attempt(group, &attempts[at + i]);
	}
	printf(" sent=%u again=%u\n", group->sent, group->again);
	fd_close(udp);
}

static void send_line(bool wait, char *rest)
{
	static uint16_t ports[PORTS_MAX];
	static struct attempt attempts[PORTS_MAX];
	struct group group = {.wait = wait, .ports = ports};
	const char *source, *proto;
	uint32_t sport;

	group.id = word(&rest);
	enter(word(&rest));
	group.uid = number(word(&rest), UINT32_MAX);
	proto = word(&rest);
	group.is_tcp = str_eq(proto, "tcp");
	if (!group.is_tcp && !str_eq(proto, "udp"))
		group.raw = (int)number(proto, 255);
	source = word(&rest);
	sport = number(word(&rest), 65535);
	group.len = parse_address(word(&rest), &group.dest);
	if (source[0] != '-' || sport > 0) {
		if (source[0] != '-')
			(void)parse_address(source, &group.source);
		group.source.ss_family = group.dest.ss_family;
		set_port(&group.source, (uint16_t)sport);
	}
	group.n_ports = parse_ports(word(&rest), ports);
	become(group.uid);
	send_group(&group, attempts);
	become(0);
}

/* Deletes all entries: a message of the kernel's interface without a tuple to select by. */
static void forget(const char *netns)
{
	struct {
		struct nlmsghdr header;
		struct nfgenmsg body;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK},
		.body = {.nfgen_family = AF_UNSPEC},
	};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[256];
	} reply = {.error = {.error = -EIO}};
	_cleanup_fd_ int fd = -1;

	enter(netns);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0 || send(fd, &request, sizeof(request), 0) < 0 ||
	    recv(fd, &reply, sizeof(reply), 0) < 0 || reply.error.error != 0) {
		fprintf(stderr, "packet_probe: connection tracking of %s: %s\n", netns,
			strerror(-reply.error.error));
		exit(2);
	}
	puts("ok");
}

/* Only these: a whole set of rules takes long to read. */
static void print_counters(const char *netns)
{
	struct nft_ctx *nft;
	const char *text;

	enter(netns);
	/* Its socket belongs to the namespace that it is made in. */
	nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		exit(2);
	nft_ctx_output_set_flags(nft, NFT_CTX_OUTPUT_JSON);
	nft_ctx_buffer_output(nft);
	if (nft_run_cmd_from_buffer(nft, "list counters") != 0)
		exit(2);
	text = nft_ctx_get_output_buffer(nft);
	printf("%.*s\n", (int)strcspn(text, "\n"), text);
	nft_ctx_free(nft);
}

static int send_all(void)
{
	char *line = NULL;
	size_t room = 0;

	while (next_line(&line, &room)) {
		char *rest = line;
		const char *command = word(&rest);

		if (str_eq(command, "shut") || str_eq(command, "open"))
			send_line(str_eq(command, "open"), rest);
		else if (str_eq(command, "forget"))
			forget(word(&rest));
		else if (str_eq(command, "counters"))
			print_counters(word(&rest));
		else
			return 2;
	}
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	const char *text = getenv("LAZARET_TIME_FACTOR");

	if (text && strtod(text, NULL) >= 1)
		factor = strtod(text, NULL);
	/* Another user id must not cost the right to enter a namespace. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP) < 0 ||
	    getrlimit(RLIMIT_NOFILE, &files) < 0 ||
	    (files.rlim_cur = files.rlim_max, setrlimit(RLIMIT_NOFILE, &files) < 0)) {
		perror("packet_probe");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 2 && str_eq(argv[1], "serve"))
		return serve();
	if (argc == 2 && str_eq(argv[1], "send"))
		return send_all();
	fprintf(stderr, "usage: packet_probe serve|send\n");
	return 2;
}
