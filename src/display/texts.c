/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "display/texts.h"

#include <string.h>

#include "base/str.h"
#include "wire/buf.h"

static const char *const texts[TEXT_COUNT][2] = {
	[TEXT_TAKEN_OVER] =
		{
			[CONF_LANGUAGE_EN] =
				"Your session was continued on another workstation (%s).",
			[CONF_LANGUAGE_DE] = "Ihre Sitzung wurde an einem anderen Arbeitsplatz "
					     "fortgesetzt (%s).",
		},
};

const char *text_get(enum text text, enum conf_language language)
{
	return texts[text][language == CONF_LANGUAGE_DE];
}

void text_format(char *out, size_t size, enum text text, enum conf_language language,
		 const char *argument)
{
	const char *format = text_get(text, language);
	const char *hole = strstr(format, "%s");
	_cleanup_buf_ struct buf whole;

	buf_init(&whole, size);
	buf_put(&whole, format, hole ? (size_t)(hole - format) : strlen(format));
	if (hole) {
		buf_put(&whole, argument, strlen(argument));
		buf_put(&whole, hole + 2, strlen(hole + 2));
	}
	buf_put_u8(&whole, '\0');
	/* Without memory, or cut: the sentence without its argument says enough. */
	(void)str_copy(out, size, buf_error(&whole) ? format : (const char *)buf_data(&whole));
}
