/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A slow line for tests, where the kernel has no netem: a TUN device in each of two network
 * namespaces, and between them a bottleneck with a queue, a delay and loss, each way.
 *
 *	line LEFT-NETNS LEFT-DEVICE RIGHT-NETNS RIGHT-DEVICE [WAY.NAME=NUMBER]...
 *
 * WAY is right (left to right), left, or both. The names: rate, bits a second (0: no bottleneck);
 * delay, microseconds one way; loss, packets of a million, which use the line and do not arrive;
 * queue, bytes that wait for the bottleneck, those that it is sending included (what does not fit is
 * dropped at the tail); seed, of the loss. Prints READY when the devices are there, down and without
 * addresses.
 *
 * Lines of input: WAY.NAME=NUMBER changes a number for packets that come from then on; stats prints
 * one line of JSON for each way, right first; the end of the input ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"

#define PACKET_MAX 65536
#define COMMAND_MAX 256
/* Packets between entrance and exit; beyond it they are dropped as if the queue were full. */
#define PACKETS_MAX 65536
/* Packets read in one turn, so that what is due leaves in time. */
#define READS_MAX 16
#define MILLION 1000000u

struct packet {
	uint64_t departs; /* the bottleneck has sent it; nanoseconds */
	uint64_t arrives;
	uint32_t len;
	bool lost;
	uint8_t data[];
};

struct numbers {
	uint64_t rate, delay, loss, queue, seed;
};

struct way {
	const char *name;
	int from, to;
	struct numbers numbers;
	uint64_t free_at; /* the bottleneck has sent all it has; nanoseconds */
	/* Ring of packets on their way, in order. Those before `waiting` have left the bottleneck. */
	struct packet **packets;
	unsigned int first, count, waiting;
	uint64_t queued; /* bytes behind `waiting` */
	uint64_t n_packets, n_bytes, n_lost, n_dropped, n_late, late_max; /* late: microseconds */
	uint64_t queued_max;
};

struct line {
	struct way ways[2];
	int timer, events;
	char command[COMMAND_MAX];
	size_t command_len;
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int die(const char *what)
{
	fprintf(stderr, "line: %s: %s\n", what, strerror(errno));
	return EXIT_FAILURE;
}

/* --- the line ---------------------------------------------------------------------------------- */

/* The same losses for the same seed. */
static bool is_lost(struct numbers *numbers)
{
	numbers->seed = numbers->seed * UINT64_C(6364136223846793005) +
			UINT64_C(1442695040888963407);
	return (numbers->seed >> 33) % MILLION < numbers->loss;
}

static struct packet *packet_at(const struct way *way, unsigned int i)
{
	return way->packets[(way->first + i) % PACKETS_MAX];
}

/* Forgets as waiting what the bottleneck has sent. */
static void pass_bottleneck(struct way *way, uint64_t now)
{
	while (way->waiting < way->count && packet_at(way, way->waiting)->departs <= now) {
		way->queued -= packet_at(way, way->waiting)->len;
		way->waiting++;
	}
}

static void enter(struct way *way, const uint8_t *data, size_t len, uint64_t now)
{
	struct numbers *numbers = &way->numbers;
	struct packet *packet;

	pass_bottleneck(way, now);
	if (way->count == PACKETS_MAX || way->queued + len > numbers->queue) {
		way->n_dropped++;
		return;
	}
	packet = malloc(sizeof(*packet) + len);
	if (!packet) {
		way->n_dropped++;
		return;
	}
	way->free_at = MAX(way->free_at, now);
	if (numbers->rate)
		way->free_at += len * 8u * UINT64_C(1000000000) / numbers->rate;
	packet->departs = way->free_at;
	packet->arrives = way->free_at + numbers->delay * 1000u;
	packet->len = (uint32_t)len;
	packet->lost = is_lost(numbers);
	memcpy(packet->data, data, len);
	way->packets[(way->first + way->count) % PACKETS_MAX] = packet;
	way->count++;
	way->queued += len;
	way->queued_max = MAX(way->queued_max, way->queued);
}

static void note_late(struct way *way, uint64_t late)
{
	way->late_max = MAX(way->late_max, late);
	way->n_late += late > 1000;
}

static void deliver(struct way *way, uint64_t now)
{
	pass_bottleneck(way, now);
	while (way->count > 0 && packet_at(way, 0)->arrives <= now) {
		struct packet *packet = packet_at(way, 0);

		note_late(way, (now - packet->arrives) / 1000u);
		if (packet->lost) {
			way->n_lost++;
		} else if (write(way->to, packet->data, packet->len) < 0) {
			way->n_dropped++;
		} else {
			way->n_packets++;
			way->n_bytes += packet->len;
		}
		free(packet);
		way->first = (way->first + 1) % PACKETS_MAX;
		way->count--;
		way->waiting--;
	}
}

static void take(struct way *way)
{
	static uint8_t data[PACKET_MAX];

	for (int i = 0; i < READS_MAX; i++) {
		ssize_t n = read(way->from, data, sizeof(data));

		if (n <= 0)
			return;
		enter(way, data, (size_t)n, now_ns());
	}
}

static void arm(struct line *line)
{
	struct itimerspec when = {0};
	uint64_t next = UINT64_MAX;

	for (int i = 0; i < 2; i++) {
		if (line->ways[i].count > 0)
			next = MIN(next, packet_at(&line->ways[i], 0)->arrives);
	}
	if (next != UINT64_MAX) {
		when.it_value.tv_sec = (time_t)(next / 1000000000u);
		when.it_value.tv_nsec = (long)(next % 1000000000u);
	}
	(void)timerfd_settime(line->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

/* --- commands ---------------------------------------------------------------------------------- */

static uint64_t *find_number(struct numbers *numbers, const char *name)
{
	const struct {
		const char *name;
		uint64_t *number;
	} all[] = {
		{"rate", &numbers->rate},   {"delay", &numbers->delay}, {"loss", &numbers->loss},
		{"queue", &numbers->queue}, {"seed", &numbers->seed},
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		if (strcmp(all[i].name, name) == 0)
			return all[i].number;
	}
	return NULL;
}

/* WAY.NAME=NUMBER; false if it is not one. */
static bool set_number(struct line *line, char *text)
{
	char *name = strchr(text, '.'), *value = strchr(text, '='), *end;
	unsigned long long number;
	bool found = false;

	if (!name || !value || value < name)
		return false;
	*name++ = '\0';
	*value++ = '\0';
	errno = 0;
	number = strtoull(value, &end, 10);
	if (errno || end == value || *end)
		return false;
	for (int i = 0; i < 2; i++) {
		uint64_t *place = find_number(&line->ways[i].numbers, name);

		if (place && (strcmp(text, "both") == 0 || strcmp(text, line->ways[i].name) == 0)) {
			*place = number;
			found = true;
		}
	}
	return found;
}

static void print_stats(const struct way *way)
{
	printf("{\"way\": \"%s\", \"packets\": %llu, \"bytes\": %llu, \"lost\": %llu, "
	       "\"dropped\": %llu, \"late\": %llu, \"late_max\": %llu, \"queued_max\": %llu}\n",
	       way->name, (unsigned long long)way->n_packets, (unsigned long long)way->n_bytes,
	       (unsigned long long)way->n_lost, (unsigned long long)way->n_dropped,
	       (unsigned long long)way->n_late, (unsigned long long)way->late_max,
	       (unsigned long long)way->queued_max);
}

static void obey(struct line *line, char *command)
{
	if (strcmp(command, "stats") == 0) {
		print_stats(&line->ways[0]);
		print_stats(&line->ways[1]);
	} else if (!set_number(line, command)) {
		printf("no such command\n");
	}
	fflush(stdout);
}

/* False at the end of the input. */
static bool take_commands(struct line *line)
{
	size_t room = sizeof(line->command) - line->command_len;
	ssize_t n = read(STDIN_FILENO, line->command + line->command_len, room);
	char *end;

	if (n <= 0)
		return false;
	line->command_len += (size_t)n;
	while ((end = memchr(line->command, '\n', line->command_len))) {
		size_t used = (size_t)(end - line->command) + 1;

		*end = '\0';
		obey(line, line->command);
		line->command_len -= used;
		memmove(line->command, line->command + used, line->command_len);
	}
	return line->command_len < sizeof(line->command);
}

/* --- start ------------------------------------------------------------------------------------- */

static int enter_namespace(const char *name)
{
	char path[128];
	_cleanup_fd_ int fd = -1;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	return setns(fd, CLONE_NEWNET);
}

/* A device in the namespace; its descriptor stays valid everywhere. */
static int make_device(const char *netns, const char *name)
{
	struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
	_cleanup_fd_ int fd = -1;

	if (enter_namespace(netns) < 0)
		return -1;
	fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	(void)str_copy(request.ifr_name, sizeof(request.ifr_name), name);
	if (ioctl(fd, TUNSETIFF, &request) < 0)
		return -1;
	return FD_STEAL(fd);
}

static int watch(const struct line *line, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(line->events, EPOLL_CTL_ADD, fd, &event);
}

static int set_up(struct line *line, char **names)
{
	int left = make_device(names[0], names[1]), right = make_device(names[2], names[3]);

	if (left < 0 || right < 0)
		return die("TUN device");
	line->ways[0] = (struct way){.name = "right", .from = left, .to = right};
	line->ways[1] = (struct way){.name = "left", .from = right, .to = left};
	for (int i = 0; i < 2; i++) {
		struct way *way = &line->ways[i];

		way->numbers = (struct numbers){.queue = UINT64_C(1) << 20, .seed = (uint64_t)i};
		way->packets = reallocarray(NULL, PACKETS_MAX, sizeof(*way->packets));
		if (!way->packets)
			return die("memory");
	}
	line->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	line->events = epoll_create1(EPOLL_CLOEXEC);
	if (line->timer < 0 || line->events < 0 || watch(line, left) < 0 ||
	    watch(line, right) < 0 || watch(line, line->timer) < 0 || watch(line, STDIN_FILENO) < 0)
		return die("events");
	return 0;
}

/* A packet is late when others have the processor. */
static void go_first(void)
{
	const struct sched_param param = {.sched_priority = 10};

	if (sched_setscheduler(0, SCHED_FIFO, &param) < 0 || mlockall(MCL_CURRENT) < 0)
		fprintf(stderr, "line: no real time: %s\n", strerror(errno));
}

static bool turn(struct line *line)
{
	struct epoll_event events[4];
	int n = epoll_wait(line->events, events, ARRAY_LEN(events), -1);
	bool goes_on = true;
	uint64_t expired;

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == STDIN_FILENO)
			goes_on = take_commands(line);
		else if (events[i].data.fd == line->timer)
			(void)!read(line->timer, &expired, sizeof(expired));
		else
			take(&line->ways[events[i].data.fd == line->ways[1].from]);
	}
	deliver(&line->ways[0], now_ns());
	deliver(&line->ways[1], now_ns());
	arm(line);
	return goes_on;
}

int main(int argc, char **argv)
{
	static struct line line;

	if (argc < 5) {
		fprintf(stderr, "usage: line LEFT-NETNS LEFT-DEVICE RIGHT-NETNS RIGHT-DEVICE "
				"[WAY.NAME=NUMBER]...\n");
		return 2;
	}
	if (set_up(&line, argv + 1) != 0)
		return EXIT_FAILURE;
	for (int i = 5; i < argc; i++) {
		if (!set_number(&line, argv[i])) {
			fprintf(stderr, "line: '%s' is no WAY.NAME=NUMBER\n", argv[i]);
			return 2;
		}
	}
	go_first();
	puts("READY");
	fflush(stdout);
	while (turn(&line))
		;
	return EXIT_SUCCESS;
}
