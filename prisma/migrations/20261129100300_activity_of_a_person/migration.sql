-- What a person reads of the log about their own account, in its order (src/core/audit/reading/activity.ts): of the events about
-- somebody only those that page has, so that it costs what it shows. A session that was replaced is no news to its owner.
CREATE INDEX "audit_event_activity_idx" ON "audit_event"("subject_id", "seq")
  WHERE "type" IN (
    'authn_login_success', 'authn_login_fail', 'authn_second_factor_asked', 'authn_new_device',
    'authn_confirm_fail', 'excess_rate_limit_exceeded', 'authn_factor_added', 'authn_factor_renamed',
    'authn_factor_removed', 'authn_recovery_codes_made', 'authn_password_change',
    'authn_password_change_fail', 'authn_password_reset_request', 'authn_password_reset',
    'authn_login_disowned', 'session_ended', 'known_devices_forgotten', 'user_created',
    'user_language_changed', 'user_email_change_asked', 'user_email_change_taken_back', 'user_email_changed',
    'user_email_change_undone', 'user_disabled', 'user_enabled', 'privilege_permissions_changed',
    'user_data_exported')
    AND NOT ("type" = 'session_ended' AND "detail"->>'reason' = 'replaced');
