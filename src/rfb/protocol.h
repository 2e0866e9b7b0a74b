/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers of the RFB protocol: RFC 6143, and the community's specification (rfbproto.rst) for
 * what came after it. Only what we speak.
 */
#ifndef LAZARET_RFB_PROTOCOL_H
#define LAZARET_RFB_PROTOCOL_H

#define RFB_VERSION "RFB 003.008\n"
#define RFB_VERSION_LEN 12

/* Security types (RFC 6143 7.1.2; rfbproto "VeNCrypt") */
#define RFB_SECURITY_VENCRYPT 19
#define RFB_VENCRYPT_X509PLAIN 262

#define RFB_SECURITY_OK 0
#define RFB_SECURITY_FAILED 1

/* Client messages (RFC 6143 7.5) */
enum rfb_client_type {
	RFB_SET_PIXEL_FORMAT = 0,
	RFB_SET_ENCODINGS = 2,
	RFB_FRAMEBUFFER_UPDATE_REQUEST = 3,
	RFB_KEY_EVENT = 4,
	RFB_POINTER_EVENT = 5,
	RFB_CLIENT_CUT_TEXT = 6,
	RFB_ENABLE_CONTINUOUS_UPDATES = 150,
	RFB_CLIENT_FENCE = 248,
	RFB_SET_DESKTOP_SIZE = 251,
	RFB_QEMU_CLIENT = 255, /* sub-type 0: extended key event */
};

/* Server messages (RFC 6143 7.6) */
enum rfb_server_type {
	RFB_FRAMEBUFFER_UPDATE = 0,
	RFB_SET_COLOUR_MAP_ENTRIES = 1, /* never sent: indexed colour is not offered */
	RFB_BELL = 2,
	RFB_SERVER_CUT_TEXT = 3,
	RFB_END_OF_CONTINUOUS_UPDATES = 150,
	RFB_SERVER_FENCE = 248,
	/*
	 * Between display and gateway only, never on the wire to a viewer: from the next byte on
	 * this pixel format (16 bytes follow, RFC 6143 7.4) is in force. Without it the gateway
	 * could not tell which of two formats an update in flight has.
	 */
	RFB_PRIVATE_PIXEL_FORMAT = 240,
};

/* Encodings (RFC 6143 7.7; rfbproto) */
enum rfb_encoding {
	RFB_ENCODING_RAW = 0,
	RFB_ENCODING_COPY_RECT = 1,
	RFB_ENCODING_TIGHT = 7,
	RFB_ENCODING_ZRLE = 16,
	RFB_ENCODING_H264 = 50,

	RFB_ENCODING_JPEG_QUALITY_LOW = -32, /* quality 0; -23 is quality 9 */
	RFB_ENCODING_JPEG_QUALITY_HIGH = -23,
	RFB_ENCODING_DESKTOP_SIZE = -223,
	RFB_ENCODING_LAST_RECT = -224,
	RFB_ENCODING_CURSOR = -239,
	RFB_ENCODING_COMPRESS_LEVEL_LOW = -256, /* level 0; -247 is level 9 */
	RFB_ENCODING_COMPRESS_LEVEL_HIGH = -247,
	RFB_ENCODING_QEMU_KEY = -258,
	RFB_ENCODING_DESKTOP_NAME = -307,
	RFB_ENCODING_EXTENDED_DESKTOP_SIZE = -308,
	RFB_ENCODING_FENCE = -312,
	RFB_ENCODING_CONTINUOUS_UPDATES = -313,
	RFB_ENCODING_CURSOR_WITH_ALPHA = -314,
	RFB_ENCODING_EXTENDED_MOUSE_BUTTONS = -316,
	RFB_ENCODING_EXTENDED_CLIPBOARD = (int)0xc0a1e5ce,
};

/* ExtendedDesktopSize: reason (x of the rectangle) and status (y) */
enum rfb_desktop_size_reason {
	RFB_SIZE_REASON_SERVER = 0,
	RFB_SIZE_REASON_THIS_CLIENT = 1,
	RFB_SIZE_REASON_OTHER_CLIENT = 2,
};
enum rfb_desktop_size_status {
	RFB_SIZE_OK = 0,
	RFB_SIZE_PROHIBITED = 1,
	RFB_SIZE_NO_RESOURCES = 2,
	RFB_SIZE_INVALID_LAYOUT = 3,
};

/* Fence flags (rfbproto "Fence") */
#define RFB_FENCE_BLOCK_BEFORE (UINT32_C(1) << 0)
#define RFB_FENCE_BLOCK_AFTER (UINT32_C(1) << 1)
#define RFB_FENCE_SYNC_NEXT (UINT32_C(1) << 2)
#define RFB_FENCE_REQUEST (UINT32_C(1) << 31)
#define RFB_FENCE_FLAGS \
	(RFB_FENCE_BLOCK_BEFORE | RFB_FENCE_BLOCK_AFTER | RFB_FENCE_SYNC_NEXT | RFB_FENCE_REQUEST)
#define RFB_FENCE_PAYLOAD_MAX 64

/* Extended Clipboard (rfbproto): formats and actions */
#define RFB_CLIPBOARD_TEXT (UINT32_C(1) << 0)
#define RFB_CLIPBOARD_CAPS (UINT32_C(1) << 24)
#define RFB_CLIPBOARD_REQUEST (UINT32_C(1) << 25)
#define RFB_CLIPBOARD_PEEK (UINT32_C(1) << 26)
#define RFB_CLIPBOARD_NOTIFY (UINT32_C(1) << 27)
#define RFB_CLIPBOARD_PROVIDE (UINT32_C(1) << 28)

/* Tight (rfbproto "Tight Encoding"): upper half of the control byte */
#define RFB_TIGHT_EXPLICIT_FILTER 0x40
#define RFB_TIGHT_FILL 0x80
#define RFB_TIGHT_JPEG 0x90
#define RFB_TIGHT_FILTER_COPY 0
#define RFB_TIGHT_FILTER_PALETTE 1
#define RFB_TIGHT_FILTER_GRADIENT 2
#define RFB_TIGHT_MIN_TO_COMPRESS 12
#define RFB_TIGHT_WIDTH_MAX 2048
#define RFB_TIGHT_STREAMS 4

/* Open H.264 (rfbproto "Open H.264 Encoding"): length, flags, then an Annex B stream. A context is
 * what one decoder knows; it belongs to one rectangle, to the pixel. */
#define RFB_H264_RESET_CONTEXT (UINT32_C(1) << 0)
#define RFB_H264_RESET_ALL (UINT32_C(1) << 1)
#define RFB_H264_FLAGS (RFB_H264_RESET_CONTEXT | RFB_H264_RESET_ALL)
#define RFB_H264_MACROBLOCK 16 /* pixels a side */
/* A macroblock takes 384 bytes when it is sent as it is (H.264 7.3.5), and an encoder that has no
 * better idea does that. The rest is for headers and for bytes that keep start codes apart. */
#define RFB_H264_MACROBLOCK_BYTES 512
#define RFB_H264_FRAME_BYTES 4096
#define RFB_H264_MACROBLOCKS(side) (((side) + RFB_H264_MACROBLOCK - 1) / RFB_H264_MACROBLOCK)
#define RFB_H264_BYTES_MAX(width, height)                                             \
	((size_t)RFB_H264_MACROBLOCKS(width) * (size_t)RFB_H264_MACROBLOCKS(height) * \
		 RFB_H264_MACROBLOCK_BYTES +                                          \
	 RFB_H264_FRAME_BYTES)

/* The largest framebuffer we have: 4096 x 4096. */
#define RFB_SIDE_MAX 4096
#define RFB_CLIPBOARD_MAX (256 * 1024)
#define RFB_NAME_MAX 255
#define RFB_ENCODINGS_MAX 256
#define RFB_SCREENS_MAX 16

#endif
