/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "session/login.h"

#include <errno.h>
#include <security/pam_appl.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "session/limits.h"

/* What the modules see as the terminal; names no device. */
#define TTY "lazaret"

/* Modules that ask for more than name and password want something we cannot show. */
#define PROMPTS_MAX 4

struct login {
	pam_handle_t *pam;
	int status; /* of the last PAM call, for pam_end() */
	struct account account;
	bool has_credentials, is_open;
	const struct login_request *request; /* while a check runs */
	unsigned int prompts;
};

static void drop_responses(struct pam_response *responses, int n)
{
	for (int i = 0; i < n; i++) {
		if (responses[i].resp)
			mem_wipe_free(responses[i].resp, strlen(responses[i].resp));
	}
	free(responses);
}

static char *answer(struct login *login, int style)
{
	if (!login->request || login->prompts++ >= PROMPTS_MAX)
		return NULL;
	return strdup(style == PAM_PROMPT_ECHO_ON ? login->request->user
						  : login->request->password);
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret_responses,
		    void *data)
{
	struct login *login = data;
	struct pam_response *responses;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	responses = calloc((size_t)n, sizeof(*responses));
	if (!responses)
		return PAM_BUF_ERR;
	for (int i = 0; i < n; i++) {
		int style = messages[i]->msg_style;

		/* Words for the person have no place to be shown. */
		if (style == PAM_TEXT_INFO || style == PAM_ERROR_MSG)
			continue;
		if (style == PAM_PROMPT_ECHO_ON || style == PAM_PROMPT_ECHO_OFF)
			responses[i].resp = answer(login, style);
		if (!responses[i].resp) {
			drop_responses(responses, n);
			return PAM_CONV_ERR;
		}
	}
	*ret_responses = responses;
	return PAM_SUCCESS;
}

/* The monitor makes people wait, and it does so without a process standing around. */
static void ignore_delay(int status, unsigned int usec, void *data)
{
	(void)status;
	(void)usec;
	(void)data;
}

static int begin(const struct conf *conf, const char *user, const char *address,
		 struct login **ret_login)
{
	struct login *login = calloc(1, sizeof(*login));
	struct pam_conv conv = {converse, login};
	void (*delay)(int, unsigned int, void *) = ignore_delay;

	if (!login)
		return -ENOMEM;
	login->status = pam_start(conf_str(conf, CONF_PAM_SERVICE), user, &conv, &login->pam);
	if (login->status != PAM_SUCCESS) {
		free(login);
		return -EIO;
	}
	if (pam_set_item(login->pam, PAM_TTY, TTY) != PAM_SUCCESS ||
	    pam_set_item(login->pam, PAM_RHOST, address) != PAM_SUCCESS ||
	    pam_set_item(login->pam, PAM_FAIL_DELAY, *(const void **)&delay) != PAM_SUCCESS) {
		login_close(login);
		return -EIO;
	}
	*ret_login = login;
	return 0;
}

static const char *text_of(const struct login *login)
{
	return pam_strerror(login->pam, login->status);
}

/* The account is the one that PAM names in the end, not the one that was typed. */
static int find_account(struct login *login, const struct conf *conf, enum session_refusal *ret_why,
			const char **ret_reason)
{
	const void *name = NULL;
	bool broken;
	int r;

	*ret_why = SESSION_REFUSAL_ERROR;
	*ret_reason = "PAM names no user";
	if (pam_get_item(login->pam, PAM_USER, &name) != PAM_SUCCESS || !name)
		return -EACCES;
	r = account_lookup(name, &login->account);
	*ret_reason = "the account is unknown to NSS";
	if (r < 0)
		return -EACCES;
	*ret_reason = account_objection(&login->account, conf, &broken);
	if (!*ret_reason)
		return 0;
	if (!broken)
		*ret_why = SESSION_REFUSAL_NOT_ALLOWED;
	return -EACCES;
}

static int manage_account(struct login *login, enum session_refusal *ret_why,
			  const char **ret_reason)
{
	login->status = pam_acct_mgmt(login->pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (login->status == PAM_SUCCESS)
		return 0;
	*ret_reason = text_of(login);
	switch (login->status) {
	case PAM_NEW_AUTHTOK_REQD:
	case PAM_AUTHTOK_EXPIRED:
	case PAM_ACCT_EXPIRED:
	case PAM_CRED_EXPIRED:
		*ret_why = SESSION_REFUSAL_ACCOUNT;
		break;
	case PAM_PERM_DENIED:
	case PAM_AUTH_ERR:
	case PAM_USER_UNKNOWN:
		*ret_why = SESSION_REFUSAL_NOT_ALLOWED;
		break;
	default:
		*ret_why = SESSION_REFUSAL_ERROR;
	}
	return -EACCES;
}

static int authenticate(struct login *login, enum session_refusal *ret_why, const char **ret_reason)
{
	login->status = pam_authenticate(login->pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK);
	if (login->status == PAM_SUCCESS)
		return 0;
	*ret_reason = text_of(login);
	switch (login->status) {
	case PAM_SYSTEM_ERR:
	case PAM_SERVICE_ERR:
	case PAM_OPEN_ERR:
	case PAM_SYMBOL_ERR:
	case PAM_MODULE_UNKNOWN:
	case PAM_BUF_ERR:
		*ret_why = SESSION_REFUSAL_ERROR;
		break;
	default:
		*ret_why = SESSION_REFUSAL_CREDENTIALS;
	}
	return -EACCES;
}

/* NULL: PAM may see it. */
static const char *malformed(const struct login_request *request)
{
	size_t len = strlen(request->user);

	if (len == 0)
		return "empty name";
	if (len > NAME_TYPED_MAX)
		return "oversized name";
	if (request->password[0] == '\0')
		return "empty password typed";
	if (!str_utf8_valid(request->user, len))
		return "malformed name";
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)request->user[i] < 0x21 || request->user[i] == 0x7f ||
		    strchr("/:", request->user[i]))
			return "malformed name";
	}
	return NULL;
}

int login_check(const struct conf *conf, const struct login_request *request,
		struct login **ret_login, enum session_refusal *ret_why, const char **ret_reason)
{
	struct login *login;
	int r;

	*ret_why = SESSION_REFUSAL_CREDENTIALS;
	*ret_reason = malformed(request);
	if (*ret_reason)
		return -EACCES;
	*ret_why = SESSION_REFUSAL_ERROR;
	*ret_reason = "PAM cannot be used; is the pam-service installed?";
	r = begin(conf, request->user, request->address, &login);
	if (r < 0)
		return -EACCES;
	login->request = request;
	r = authenticate(login, ret_why, ret_reason);
	if (r == 0)
		r = manage_account(login, ret_why, ret_reason);
	if (r == 0)
		r = find_account(login, conf, ret_why, ret_reason);
	login->request = NULL;
	if (r < 0) {
		login_close(login);
		return r;
	}
	*ret_login = login;
	return 0;
}

int login_assume(const struct conf *conf, const char *account, uid_t uid, struct login **ret_login,
		 const char **ret_reason)
{
	enum session_refusal why;
	struct login *login;
	int r;

	*ret_reason = "PAM cannot be used";
	r = begin(conf, account, "", &login);
	if (r < 0)
		return -EACCES;
	r = manage_account(login, &why, ret_reason);
	if (r == 0)
		r = find_account(login, conf, &why, ret_reason);
	if (r == 0 && uid != LOGIN_ANY_UID && login->account.uid != uid) {
		*ret_reason = "the account has another uid than before";
		r = -EACCES;
	}
	if (r < 0) {
		login_close(login);
		return r;
	}
	*ret_login = login;
	return 0;
}

const struct account *login_account(const struct login *login)
{
	return &login->account;
}

int login_open(struct login *login, const char **ret_reason)
{
	login->status = pam_setcred(login->pam, PAM_ESTABLISH_CRED | PAM_SILENT);
	if (login->status == PAM_SUCCESS) {
		login->has_credentials = true;
		login->status = pam_open_session(login->pam, PAM_SILENT);
		login->is_open = login->status == PAM_SUCCESS;
	}
	if (login->is_open)
		return 0;
	*ret_reason = text_of(login);
	return -EACCES;
}

void login_close(struct login *login)
{
	if (!login)
		return;
	if (login->is_open)
		login->status = pam_close_session(login->pam, PAM_SILENT);
	if (login->has_credentials)
		login->status = pam_setcred(login->pam, PAM_DELETE_CRED | PAM_SILENT);
	pam_end(login->pam, login->status);
	account_finish(&login->account);
	free(login);
}
