/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/str.h"

#define REQUEST_MAX 1024

struct request {
	_Alignas(8) char bytes[REQUEST_MAX];
	struct nlmsghdr *header;
};

static void request_start(struct request *request, uint16_t type, uint16_t flags)
{
	memset(request->bytes, 0, sizeof(request->bytes));
	request->header = mnl_nlmsg_put_header(request->bytes);
	request->header->nlmsg_type = type;
	request->header->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	request->header->nlmsg_seq = (uint32_t)time(NULL);
}

/* Sends and waits for the kernel's word; a negative errno is the kernel's. */
static int request_do(struct request *request)
{
	char answer[8192]; /* MNL_SOCKET_BUFFER_SIZE is no constant */
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
	ssize_t n = -1;
	int r = 0;

	if (!socket)
		return -errno;
	if (mnl_socket_bind(socket, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_sendto(socket, request->header, request->header->nlmsg_len) < 0)
		r = -errno;
	if (r == 0) {
		n = mnl_socket_recvfrom(socket, answer, sizeof(answer));
		if (n < 0 || mnl_cb_run(answer, (size_t)n, request->header->nlmsg_seq,
					mnl_socket_get_portid(socket), NULL, NULL) < 0)
			r = -errno;
	}
	mnl_socket_close(socket);
	return r;
}

int link_create(const char *name, int netns)
{
	struct request request;
	struct nlattr *info, *data, *peer;

	request_start(&request, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
	mnl_nlmsg_put_extra_header(request.header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	info = mnl_attr_nest_start(request.header, IFLA_LINKINFO);
	mnl_attr_put_strz(request.header, IFLA_INFO_KIND, "veth");
	data = mnl_attr_nest_start(request.header, IFLA_INFO_DATA);
	peer = mnl_attr_nest_start(request.header, VETH_INFO_PEER);
	mnl_nlmsg_put_extra_header(request.header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request.header, IFLA_IFNAME, LINK_CELL);
	mnl_attr_put_u32(request.header, IFLA_NET_NS_FD, (uint32_t)netns);
	mnl_attr_nest_end(request.header, peer);
	mnl_attr_nest_end(request.header, data);
	mnl_attr_nest_end(request.header, info);
	return request_do(&request);
}

int link_delete(const char *name)
{
	struct request request;

	request_start(&request, RTM_DELLINK, 0);
	mnl_nlmsg_put_extra_header(request.header, sizeof(struct ifinfomsg));
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	return request_do(&request);
}

int link_up(const char *name)
{
	struct request request;
	struct ifinfomsg *info;

	request_start(&request, RTM_NEWLINK, 0);
	info = mnl_nlmsg_put_extra_header(request.header, sizeof(*info));
	info->ifi_change = IFF_UP;
	info->ifi_flags = IFF_UP;
	mnl_attr_put_strz(request.header, IFLA_IFNAME, name);
	return request_do(&request);
}

static size_t address_len(const struct network *network)
{
	return network_width(network->family) / 8;
}

int link_add_address(const char *name, const struct network *address, unsigned int bits)
{
	struct request request;
	struct ifaddrmsg *msg;
	unsigned int index = if_nametoindex(name);

	if (index == 0)
		return -errno;
	request_start(&request, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	msg = mnl_nlmsg_put_extra_header(request.header, sizeof(*msg));
	msg->ifa_family = address->family;
	msg->ifa_prefixlen = (uint8_t)bits;
	/* Nobody else is on the link, so there is nothing to detect, and nothing to wait for. */
	msg->ifa_flags = IFA_F_PERMANENT | IFA_F_NODAD;
	msg->ifa_index = index;
	mnl_attr_put(request.header, IFA_LOCAL, address_len(address), address->addr);
	mnl_attr_put(request.header, IFA_ADDRESS, address_len(address), address->addr);
	return request_do(&request);
}

int link_add_default_route(const char *name, const struct network *gateway)
{
	struct request request;
	struct rtmsg *msg;
	unsigned int index = if_nametoindex(name);

	if (index == 0)
		return -errno;
	request_start(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL);
	msg = mnl_nlmsg_put_extra_header(request.header, sizeof(*msg));
	msg->rtm_family = gateway->family;
	msg->rtm_table = RT_TABLE_MAIN;
	msg->rtm_protocol = RTPROT_STATIC;
	msg->rtm_scope = RT_SCOPE_UNIVERSE;
	msg->rtm_type = RTN_UNICAST;
	mnl_attr_put(request.header, RTA_GATEWAY, address_len(gateway), gateway->addr);
	mnl_attr_put_u32(request.header, RTA_OIF, index);
	return request_do(&request);
}

int link_list(int (*each)(uint32_t slot, void *data), void *data)
{
	struct if_nameindex *links = if_nameindex();
	int r = 0;

	if (!links)
		return -errno;
	for (struct if_nameindex *link = links; r == 0 && link->if_name; link++) {
		int64_t slot;

		if (strncmp(link->if_name, LINK_PREFIX, strlen(LINK_PREFIX)) == 0 &&
		    str_to_int(link->if_name + strlen(LINK_PREFIX), 0, UINT32_MAX, &slot) == 0)
			r = each((uint32_t)slot, data);
	}
	if_freenameindex(links);
	return r;
}
