/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/mem.h"
#include "base/str.h"
#include "ctl/firewall_impl.h"
#include "net/nft.h"
#include "net/rules_cells.h"
#include "net/rules_host.h"

#define FILE_MAX (16 << 20)
#define LISTENERS_MAX 4096
#define PROCESSES_ABOVE_MAX 64

bool reach_allows(const struct contract *contract, const struct network *from,
		  enum path_proto proto, uint16_t port)
{
	for (size_t i = 0; i < PATH_COUNT; i++) {
		const struct contract_path *path = &contract->paths[i];

		/* Nothing of ours serves remote desktops. */
		if (!path->on || !contract_path_is_incoming(path->row) || i == PATH_RDP)
			continue;
		if (from && !network_list_contains(&path->peers, from))
			continue;
		for (size_t k = 0; k < path->n_ports; k++) {
			if (path->ports[k].proto == proto && path->ports[k].first <= port &&
			    path->ports[k].last >= port)
				return true;
		}
	}
	return false;
}

static bool is_local(const struct network *address)
{
	static const char *const own[] = {"127.0.0.0/8", "::1/128", "::ffff:127.0.0.0/104"};
	struct network network;

	for (size_t i = 0; i < ARRAY_LEN(own); i++) {
		if (network_parse(own[i], &network) == 0 && network_contains(&network, address))
			return true;
	}
	return false;
}

/* --- the connection that we are run from ------------------------------------------------------ */

/* "CLIENT PORT SERVER PORT" */
static bool parse_ssh(const char *text, struct network *ret_client, uint16_t *ret_port)
{
	char client[NETWORK_TEXT_MAX], mapped[] = "::ffff:";
	size_t len = strcspn(text, " %");
	const char *last = strrchr(text, ' ');
	const char *start = text;
	int64_t port;

	if (!last || str_to_int(last + 1, 1, 65535, &port) < 0)
		return false;
	if (strncasecmp(start, mapped, strlen(mapped)) == 0 && strchr(start, '.')) {
		start += strlen(mapped);
		len -= strlen(mapped);
	}
	if (len >= sizeof(client))
		return false;
	memcpy(client, start, len);
	client[len] = '\0';
	if (network_parse(client, ret_client) < 0)
		return false;
	*ret_port = (uint16_t)port;
	return true;
}

static int parent_of(int pid, int *ret_parent)
{
	_cleanup_free_ char *text = NULL;
	char path[64];
	const char *paren;
	char *rest;
	size_t len;
	long parent;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	r = fd_read_file(AT_FDCWD, path, 4096, &text, &len);
	if (r < 0)
		return r;
	/* The name, which may contain anything, is in the outermost parentheses. */
	paren = strrchr(text, ')');
	if (!paren || strlen(paren) < 5)
		return -EPROTO;
	parent = strtol(paren + 4, &rest, 10);
	if (rest == paren + 4 || parent < 0)
		return -EPROTO;
	*ret_parent = (int)parent;
	return 0;
}

static bool ssh_of_process(int pid, struct network *ret_client, uint16_t *ret_port)
{
	static const char key[] = "SSH_CONNECTION=";
	_cleanup_free_ char *text = NULL;
	char path[64];
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	if (fd_read_file(AT_FDCWD, path, FILE_MAX, &text, &len) < 0)
		return false;
	for (size_t at = 0; at < len; at += strlen(text + at) + 1) {
		if (strncmp(text + at, key, sizeof(key) - 1) == 0)
			return parse_ssh(text + at + sizeof(key) - 1, ret_client, ret_port);
	}
	return false;
}

bool reach_find_ssh(struct network *ret_client, uint16_t *ret_port)
{
	const char *own = getenv("SSH_CONNECTION");
	int pid = getpid();

	/* One from this host itself, through a tunnel, passes by no filter. */
	if (own && parse_ssh(own, ret_client, ret_port))
		return !is_local(ret_client);
	/* Said to be none by the daemon, which has looked. */
	if (own && own[0] == '\0')
		return false;
	/* sudo takes the variable away; the shell above it still has it. */
	for (int i = 0; i < PROCESSES_ABOVE_MAX && parent_of(pid, &pid) == 0 && pid > 1; i++) {
		if (ssh_of_process(pid, ret_client, ret_port))
			return !is_local(ret_client);
	}
	return false;
}

/* --- services ----------------------------------------------------------------------------------- */

struct listener {
	enum path_proto proto;
	struct network address;
	uint16_t port;
	unsigned long inode;
	char program[32];
};

struct listeners {
	struct listener *items;
	size_t n;
};

/* The kernel prints each 32 bit word of an address as the machine has it. */
static bool parse_address(const char *hex, size_t len, struct network *ret_network)
{
	struct network network = {.family = len == 8 ? AF_INET : AF_INET6};

	if (len != 8 && len != 32)
		return false;
	network.bits = (uint8_t)network_width(network.family);
	for (size_t word = 0; word < len / 8; word++) {
		char text[9] = "";
		uint32_t value;

		memcpy(text, hex + word * 8, 8);
		value = (uint32_t)strtoul(text, NULL, 16);
		memcpy(network.addr + word * 4, &value, 4);
	}
	*ret_network = network;
	return true;
}

/* "  0: ADDRESS:PORT ADDRESS:PORT STATE queue timer retransmit uid timeout inode …" */
static bool parse_listener(const char *line, enum path_proto proto, struct listener *ret_listener)
{
	char local[40], remote[40];
	unsigned int port, remote_port, state;
	struct listener listener = {.proto = proto};

	if (sscanf(line, " %*[^:]: %32[0-9A-F]:%4X %32[0-9A-F]:%4X %2X %*s %*s %*s %*s %*s %lu",
		   local, &port, remote, &remote_port, &state, &listener.inode) != 6)
		return false;
	/* 0A: TCP listens; 07: UDP without a peer */
	if (state != (proto == PROTO_TCP ? 0x0a : 0x07) || remote_port != 0)
		return false;
	listener.port = (uint16_t)port;
	if (!parse_address(local, strlen(local), &listener.address))
		return false;
	*ret_listener = listener;
	return true;
}

static void read_listeners(const char *file, enum path_proto proto, struct listeners *listeners)
{
	_cleanup_free_ char *text = NULL;
	char *rest, *line;
	size_t len;

	if (fd_read_file(AT_FDCWD, file, FILE_MAX, &text, &len) < 0)
		return;
	rest = text;
	while ((line = strsep(&rest, "\n")) && listeners->n < LISTENERS_MAX) {
		struct listener listener;

		if (parse_listener(line, proto, &listener) && !is_local(&listener.address))
			listeners->items[listeners->n++] = listener;
	}
}

static void name_socket(struct listeners *listeners, const char *target, const char *pid)
{
	unsigned long inode;
	char path[64], comm[32] = "";
	_cleanup_fd_ int fd = -1;
	ssize_t n;

	if (sscanf(target, "socket:[%lu]", &inode) != 1)
		return;
	for (size_t i = 0; i < listeners->n; i++) {
		struct listener *listener = &listeners->items[i];

		if (listener->inode != inode || listener->program[0])
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
		fd = fd_close(fd);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);
		if (n > 0)
			str_sanitize(listener->program, sizeof(listener->program), comm,
				     (size_t)n - (comm[n - 1] == '\n'));
	}
}

static void name_sockets_of(struct listeners *listeners, const char *pid)
{
	char path[64], target[64];
	struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);
	dir = opendir(path);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		ssize_t n = readlinkat(dirfd(dir), entry->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		name_socket(listeners, target, pid);
	}
	closedir(dir);
}

static void name_listeners(struct listeners *listeners)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;

	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9')
			name_sockets_of(listeners, entry->d_name);
	}
	closedir(dir);
}

size_t reach_print_uncovered(const struct contract *contract, FILE *out)
{
	_cleanup_free_ struct listener *items = calloc(LISTENERS_MAX, sizeof(*items));
	struct listeners listeners = {.items = items};
	char text[NETWORK_TEXT_MAX];
	size_t n = 0;

	if (!items)
		return 0;
	read_listeners("/proc/net/tcp", PROTO_TCP, &listeners);
	read_listeners("/proc/net/tcp6", PROTO_TCP, &listeners);
	read_listeners("/proc/net/udp", PROTO_UDP, &listeners);
	read_listeners("/proc/net/udp6", PROTO_UDP, &listeners);
	name_listeners(&listeners);
	for (size_t i = 0; i < listeners.n; i++) {
		const struct listener *listener = &listeners.items[i];

		if (reach_allows(contract, NULL, listener->proto, listener->port))
			continue;
		if (n++ == 0)
			fputs("Nobody can reach these services of this host, since no path covers "
			      "them:\n",
			      out);
		fprintf(out, "  %s port %u on %s  %s\n", path_proto_name(listener->proto),
			listener->port, network_format(&listener->address, text),
			listener->program[0] ? listener->program : "(unknown program)");
	}
	return n;
}

/* --- packet filters of others ------------------------------------------------------------------- */

static const char *owner_of(const char *listing, size_t len)
{
	static const struct {
		const char *mark, *owner;
	} owners[] = {
		{"firewalld", "firewalld"}, {"ufw-", "ufw"},         {"DOCKER", "Docker"},
		{"libvirt", "libvirt"},     {"KUBE-", "Kubernetes"}, {"f2b-", "fail2ban"},
	};

	for (size_t i = 0; i < ARRAY_LEN(owners); i++) {
		if (memmem(listing, len, owners[i].mark, strlen(owners[i].mark)))
			return owners[i].owner;
	}
	return "unknown";
}

static bool is_ours(const char *line, size_t len)
{
	static const char *const ours[] = {
		"table inet " RULES_HOST_TABLE " {",
		"table inet " RULES_CELLS_TABLE " {",
	};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++) {
		if (strlen(ours[i]) == len && strncmp(line, ours[i], len) == 0)
			return true;
	}
	return false;
}

static bool hooks_in(const char *listing, size_t len, const char *hook)
{
	char mark[32];

	snprintf(mark, sizeof(mark), "hook %s ", hook);
	return memmem(listing, len, mark, strlen(mark)) != NULL;
}

static void print_table(const char *listing, size_t len, FILE *out)
{
	static const char *const hooks[] = {"prerouting", "input", "forward", "output",
					    "postrouting"};
	bool drops = memmem(listing, len, "policy drop", 11) != NULL;
	const char *owner = owner_of(listing, len);
	const char *separator = ", looks at ";
	size_t name = strcspn(listing, "{");

	fprintf(out, "  %.*s(%s)", (int)name, listing, owner);
	for (size_t i = 0; i < ARRAY_LEN(hooks); i++) {
		if (!hooks_in(listing, len, hooks[i]))
			continue;
		fprintf(out, "%s%s", separator, hooks[i]);
		separator = ", ";
	}
	fprintf(out, "%s\n", drops ? "; drops what it does not accept itself" : "");
	if (str_eq(owner, "Docker") || str_eq(owner, "Kubernetes") || str_eq(owner, "libvirt"))
		fprintf(out,
			"    What %s forwards for its guests is dropped: only cells are forwarded "
			"for.\n",
			owner);
}

static size_t print_legacy(FILE *out)
{
	static const char *const files[] = {"/proc/net/ip_tables_names",
					    "/proc/net/ip6_tables_names"};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(files); i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;

		if (fd_read_file(AT_FDCWD, files[i], 4096, &text, &len) < 0 || len == 0)
			continue;
		for (char *c = text; *c; c++) {
			if (*c == '\n')
				*c = c[1] ? ',' : '\0';
		}
		fprintf(out, "  %s of the old kind: %s\n", i == 0 ? "iptables" : "ip6tables", text);
		n++;
	}
	return n;
}

size_t reach_print_foreign(FILE *out)
{
	static const char head[] =
		"Packet filters that are not ours stay as they are. A packet passes only where all "
		"accept it:\n";
	_cleanup_free_ char *listing = NULL, *found = NULL;
	size_t size, n = 0;
	FILE *text = open_memstream(&found, &size);
	const char *end;

	if (!text)
		return 0;
	if (nft_list("list chains", &listing) == 0) {
		for (const char *table = listing; *table; table = end) {
			end = strstr(table, "\n}\n");
			end = end ? end + 3 : table + strlen(table);
			if (is_ours(table, strcspn(table, "\n")))
				continue;
			print_table(table, (size_t)(end - table), text);
			n++;
		}
	}
	n += print_legacy(text);
	if (fclose(text) == 0 && n > 0)
		fprintf(out, "%s%s", head, found);
	return n;
}
