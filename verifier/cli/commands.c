/*
 * commands.c: the list of all commands. To add one: write cmd_<group>_<name>.c
 * with one struct cli_command, declare it here, list it here, in alphabetical
 * order within its group.
 */
#include "cli.h"

extern const struct cli_command cmd_appraise;
extern const struct cli_command cmd_audit_export;
extern const struct cli_command cmd_audit_list;
extern const struct cli_command cmd_audit_verify;
extern const struct cli_command cmd_decision_show;
extern const struct cli_command cmd_decision_watch;
extern const struct cli_command cmd_device_accept_boot;
extern const struct cli_command cmd_device_address;
extern const struct cli_command cmd_device_approve;
extern const struct cli_command cmd_device_evidence;
extern const struct cli_command cmd_device_export_case;
extern const struct cli_command cmd_device_history;
extern const struct cli_command cmd_device_hold;
extern const struct cli_command cmd_device_list;
extern const struct cli_command cmd_device_maintain;
extern const struct cli_command cmd_device_release;
extern const struct cli_command cmd_device_reread;
extern const struct cli_command cmd_device_retire;
extern const struct cli_command cmd_device_set;
extern const struct cli_command cmd_device_show;
extern const struct cli_command cmd_ek_allow;
extern const struct cli_command cmd_evidence_challenge;
extern const struct cli_command cmd_evidence_list;
extern const struct cli_command cmd_evidence_revoke;
extern const struct cli_command cmd_evidence_submit;
extern const struct cli_command cmd_inspect_corim;
extern const struct cli_command cmd_inspect_ekcert;
extern const struct cli_command cmd_inspect_eventlog;
extern const struct cli_command cmd_inspect_evidence;
extern const struct cli_command cmd_inspect_ima;
extern const struct cli_command cmd_inspect_key;
extern const struct cli_command cmd_key_list;
extern const struct cli_command cmd_key_rotate;
extern const struct cli_command cmd_ledger_accept;
extern const struct cli_command cmd_operator_add;
extern const struct cli_command cmd_operator_list;
extern const struct cli_command cmd_operator_revoke;
extern const struct cli_command cmd_policy_activate;
extern const struct cli_command cmd_policy_add;
extern const struct cli_command cmd_policy_check;
extern const struct cli_command cmd_policy_explain;
extern const struct cli_command cmd_policy_list;
extern const struct cli_command cmd_reference_plan;
extern const struct cli_command cmd_reference_known_bad;
extern const struct cli_command cmd_policy_replay;
extern const struct cli_command cmd_policy_promote;
extern const struct cli_command cmd_policy_diff;
extern const struct cli_command cmd_policy_show;
extern const struct cli_command cmd_policy_test;
extern const struct cli_command cmd_reference_capture;
extern const struct cli_command cmd_reference_diff;
extern const struct cli_command cmd_reference_export;
extern const struct cli_command cmd_reference_import;
extern const struct cli_command cmd_reference_list;
extern const struct cli_command cmd_reference_predict;
extern const struct cli_command cmd_reference_promote;
extern const struct cli_command cmd_reference_retire;
extern const struct cli_command cmd_reference_show;
extern const struct cli_command cmd_status;
extern const struct cli_command cmd_token_create;
extern const struct cli_command cmd_token_list;
extern const struct cli_command cmd_verify_quote;
extern const struct cli_command cmd_verify_token;
extern const struct cli_command cmd_webhook_dead;
extern const struct cli_command cmd_webhook_drop;
extern const struct cli_command cmd_webhook_list;
extern const struct cli_command cmd_webhook_retry;
extern const struct cli_command cmd_webhook_test;

static const struct cli_command end = {0};

const struct cli_command *const cli_commands[] = {
	&cmd_appraise,
	&cmd_audit_export,
	&cmd_audit_list,
	&cmd_audit_verify,
	&cmd_decision_show,
	&cmd_decision_watch,
	&cmd_device_accept_boot,
	&cmd_device_address,
	&cmd_device_approve,
	&cmd_device_evidence,
	&cmd_device_export_case,
	&cmd_device_history,
	&cmd_device_hold,
	&cmd_device_list,
	&cmd_device_maintain,
	&cmd_device_release,
	&cmd_device_reread,
	&cmd_device_retire,
	&cmd_device_set,
	&cmd_device_show,
	&cmd_ek_allow,
	&cmd_evidence_challenge,
	&cmd_evidence_list,
	&cmd_evidence_revoke,
	&cmd_evidence_submit,
	&cmd_inspect_corim,
	&cmd_inspect_ekcert,
	&cmd_inspect_eventlog,
	&cmd_inspect_evidence,
	&cmd_inspect_ima,
	&cmd_inspect_key,
	&cmd_key_list,
	&cmd_key_rotate,
	&cmd_ledger_accept,
	&cmd_operator_add,
	&cmd_operator_list,
	&cmd_operator_revoke,
	&cmd_policy_activate,
	&cmd_policy_add,
	&cmd_policy_check,
	&cmd_policy_explain,
	&cmd_policy_diff,
	&cmd_policy_list,
	&cmd_policy_promote,
	&cmd_policy_replay,
	&cmd_policy_show,
	&cmd_policy_test,
	&cmd_reference_capture,
	&cmd_reference_diff,
	&cmd_reference_export,
	&cmd_reference_import,
	&cmd_reference_known_bad,
	&cmd_reference_list,
	&cmd_reference_plan,
	&cmd_reference_predict,
	&cmd_reference_promote,
	&cmd_reference_retire,
	&cmd_reference_show,
	&cmd_status,
	&cmd_token_create,
	&cmd_token_list,
	&cmd_verify_quote,
	&cmd_verify_token,
	&cmd_webhook_dead,
	&cmd_webhook_drop,
	&cmd_webhook_list,
	&cmd_webhook_retry,
	&cmd_webhook_test,
	&end,
};
