/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON: for programs that make rules of another kind out of it. */
#include <errno.h>
#include <string.h>

#include <json-c/json.h>

#include "base/str.h"
#include "net/export_impl.h"

/* Adds a string that is valid UTF-8 without control characters. */
static void add_text(struct json_object *object, const char *key, const char *text)
{
	char fit[1024];

	str_sanitize(fit, sizeof(fit), text, strlen(text));
	json_object_object_add(object, key, json_object_new_string(fit));
}

static struct json_object *networks_of(const struct border_group *group)
{
	struct json_object *list = json_object_new_array();
	char text[NETWORK_TEXT_MAX];

	for (size_t i = 0; list && i < group->networks.n; i++)
		json_object_array_add(list, json_object_new_string(network_format(
						    &group->networks.items[i], text)));
	return list;
}

static struct json_object *group_of(const struct border_group *group)
{
	struct json_object *object = json_object_new_object(), *hosts = json_object_new_array();

	add_text(object, "name", group->name);
	add_text(object, "what", group->what);
	for (size_t i = 0; group->path && i < group->path->n_hosts; i++) {
		struct json_object *host = json_object_new_object();

		add_text(host, "host", group->path->hosts[i].text);
		json_object_object_add(host, "networks",
				       json_object_new_uint64(group->path->hosts[i].n_networks));
		json_object_array_add(hosts, host);
	}
	json_object_object_add(object, "hosts", hosts);
	json_object_object_add(object, "networks", networks_of(group));
	return object;
}

static struct json_object *ports_of(const struct border_flow *flow)
{
	struct json_object *list;

	if (flow->n_ports == 0)
		return NULL;
	list = json_object_new_array();
	EXPORT_FOR_EACH_PORT(port, flow)
	{
		struct json_object *object = json_object_new_object();

		add_text(object, "protocol", path_proto_name(port->proto));
		json_object_object_add(object, "first", json_object_new_int(port->first));
		json_object_object_add(object, "last", json_object_new_int(port->last));
		add_text(object, "service", port->service);
		json_object_array_add(list, object);
	}
	return list;
}

static struct json_object *name_of(const struct border_group *group)
{
	return group ? json_object_new_string(group->name) : NULL;
}

static struct json_object *flow_of(const struct border_flow *flow)
{
	struct json_object *object = json_object_new_object();

	add_text(object, "name", flow->name);
	add_text(object, "action", flow->pass ? "pass" : "drop");
	json_object_object_add(object, "path",
			       flow->path ? json_object_new_string(flow->path->row->name) : NULL);
	json_object_object_add(object, "optional",
			       json_object_new_boolean(flow->path && flow->path->row->optional));
	json_object_object_add(object, "from", name_of(flow->from));
	json_object_object_add(object, "to", name_of(flow->to));
	json_object_object_add(object, "ports", ports_of(flow));
	add_text(object, "remark", flow->remark);
	return object;
}

static struct json_object *configuration_of(const struct border *border)
{
	struct json_object *object = json_object_new_object();
	char contract[9];

	snprintf(contract, sizeof(contract), "%08x", border->fingerprint);
	add_text(object, "files", border->files);
	add_text(object, "changed", border->date);
	add_text(object, "contract", contract);
	add_text(object, "version", LAZARET_VERSION);
	return object;
}

static void add_lists(struct json_object *object, const struct border *border)
{
	struct json_object *off = json_object_new_array(), *notes = json_object_new_array();

	for (size_t i = 0; i < PATH_COUNT; i++) {
		if (!border->contract->paths[i].on)
			json_object_array_add(
				off, json_object_new_string(border->contract->paths[i].row->name));
	}
	for (size_t i = 0; i < border->contract->n_notes; i++) {
		struct json_object *note = json_object_new_object();

		add_text(note, "text", border->contract->notes[i]);
		json_object_array_add(notes, note);
	}
	json_object_object_add(object, "off", off);
	json_object_object_add(object, "notes", notes);
}

static int write_json(const struct border *border, FILE *out)
{
	struct json_object *object = json_object_new_object();
	struct json_object *groups = json_object_new_array(), *flows = json_object_new_array();
	const char *text;

	add_text(object, "title", EXPORT_TITLE);
	add_text(object, "dialect", exporter_json.dialect);
	json_object_object_add(object, "configuration", configuration_of(border));
	add_lists(object, border);
	for (size_t i = 0; i < border->n_groups; i++)
		json_object_array_add(groups, group_of(&border->groups[i]));
	for (size_t i = 0; i < border->n_flows; i++)
		json_object_array_add(flows, flow_of(&border->flows[i]));
	json_object_object_add(object, "groups", groups);
	json_object_object_add(object, "flows", flows);
	text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_NOSLASHESCAPE);
	if (text)
		fprintf(out, "%s\n", text);
	json_object_put(object);
	return text ? 0 : -ENOMEM;
}

const struct exporter exporter_json = {
	.name = "json",
	.dialect = "JSON; flows in order, the first that matches decides, replies pass",
	.help = "For programs.",
	.write = write_json,
};
