// A mail as plain text and HTML, by two EJS layouts. No image, no script, nothing remote.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import ejs from 'ejs';
import type { Language } from '../platform/languages.ts';
import { projectRoot } from '../platform/project-root.ts';
import type { MailTemplate, MailTemplates, MailText, MailTexts } from './templates.ts';
import { german } from './texts/de.ts';
import { english } from './texts/en.ts';

const TEXTS: Readonly<Record<Language, MailTexts>> = { en: english, de: german };

export interface RenderedMail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

export interface MailToRender<T extends MailTemplate = MailTemplate> {
  readonly template: T;
  readonly parameters: MailTemplates[T];
  readonly language: string;
  /** The one-time link; empty for a mail that has none. */
  readonly link: string;
}

export type RenderMail = (mail: MailToRender) => RenderedMail;

/** Compiles both layouts, so that a broken one stops the start. */
export function createMailRenderer({ serviceName, origin }: { serviceName: string; origin: string }): RenderMail {
  const layouts = { text: compile('text'), html: compile('html') };
  return ({ template, parameters, language, link }) => {
    const known = Object.hasOwn(TEXTS, language) ? (language as Language) : 'en';
    const texts = TEXTS[known];
    const about = { serviceName, link, page: (at: string) => origin + at };
    const write = texts[template] as (values: typeof parameters, more: typeof about) => MailText;
    const { subject, paragraphs, action, after } = write(parameters, about);
    const mail = {
      subject: oneLine(subject),
      paragraphs: paragraphs.map(oneLine),
      action: action ?? null,
      after: (after ?? []).map(oneLine),
      address: texts.address,
      footer: oneLine(texts.footer(about)),
      language: known,
      serviceName,
      origin,
    };
    return { subject: mail.subject, text: layouts.text({ mail }), html: layouts.html({ mail }) };
  };
}

/** An older worker may meet a template that only a newer version knows. */
export function isKnownTemplate(template: string): template is MailTemplate {
  return (
    Object.hasOwn(TEXTS.en, template) &&
    typeof TEXTS.en[template as MailTemplate] === 'function' &&
    template !== 'footer'
  );
}

/** Text of a client begins no line of its own. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ').toWellFormed();
}

function compile(name: 'text' | 'html'): ejs.TemplateFunction {
  return ejs.compile(readFileSync(path.join(projectRoot, 'views', 'mail', `${name}.ejs`), 'utf8'), {
    strict: true,
    _with: false,
    destructuredLocals: ['mail'],
  });
}
