// An alert in words, for its mail and its webhook.
import type { AlertFacts, AlertPhase, AlertRule, ToldAlert } from './alerts.ts';
import type { About, MailText } from './templates.ts';

export interface AlertWords {
  readonly title: string;
  readonly says: (facts: AlertFacts) => string;
  /** What to do about it. */
  readonly todo: string;
}

export interface AlertLanguage {
  readonly rules: Readonly<Record<AlertRule, AlertWords>>;
  readonly subject: (title: string, phase: AlertPhase, about: About) => string;
  readonly when: (at: string, seq: number | null) => string;
  readonly more: (count: number) => string;
  readonly over: string;
  readonly test: string;
  readonly event: string;
  readonly alerts: string;
  readonly who: string;
}

/** The mail of an alert. */
export function alertText(
  { rule, phase, count, at, seq, facts }: ToldAlert,
  about: About,
  { rules, ...words }: AlertLanguage,
): MailText {
  const { title, says, todo } = rules[rule];
  const isTest = phase === 'test';
  const happened = phase === 'over' ? words.over : phase === 'more' ? words.more(count) : says(facts);
  return {
    subject: words.subject(title, phase, about),
    paragraphs: isTest
      ? [words.test, happened, todo]
      : [`${happened} ${words.when(at, seq)}`, ...(phase === 'over' ? [] : [todo])],
    action:
      seq === null
        ? { label: words.alerts, href: about.page('/operator/alerts') }
        : { label: words.event, href: about.page(`/operator/audit/${seq}`) },
    after: [words.who],
  };
}
