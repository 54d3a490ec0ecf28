// The shape of a file of groups and applications. A key that is not known is refused: it may be a rule that was misspelt.
import * as z from 'zod';
import type { WantedRegistry } from '../../core/applications/registry/wanted.ts';

const text = z.string({
  error: ({ input }) => (input === undefined ? 'is missing' : 'should be text: put it in quotes'),
});
const yesOrNo = z.boolean({ error: 'should be true or false' });
const duration = text.nullish().transform((value) => value ?? '');
const list = z.array(text, { error: 'should be a list, such as [a, b]' });

const application = z.strictObject(
  {
    slug: text,
    name: text,
    url: text,
    enter: z.union([z.literal('everybody'), z.array(z.string())], {
      error: ({ input }) =>
        input === undefined ? 'is missing' : 'should be everybody, or a list of groups such as [staff]',
    }),
    secondFactor: yesOrNo.default(false),
    recentLogin: duration,
    idle: duration,
    absolute: duration,
    preflight: yesOrNo.default(false),
    framedBy: list.nullish(),
    remoteUser: yesOrNo.default(false),
    disabled: yesOrNo.nullish(),
    openid: z
      .undefined({ error: 'is not there yet: this version logs nobody in at applications by OpenID Connect' })
      .optional(),
  },
  { error: 'should be an application, with slug, name, url and enter' },
);

/** The keys of an application that can be used. */
export const APPLICATION_KEYS: readonly string[] = Object.keys(application.shape).filter((key) => key !== 'openid');

export const fileShape = z
  .strictObject(
    {
      groups: z
        .record(z.string(), list.nullable(), { error: 'should be groups, such as staff: [ana@example.org]' })
        .nullish(),
      applications: z.array(application, { error: 'should be a list of applications, each after a -' }).nullish(),
    },
    { error: 'should have groups, applications or both' },
  )
  .transform(
    ({ groups, applications }): WantedRegistry => ({
      groups: groups ? Object.entries(groups).map(([name, members]) => ({ name, members })) : null,
      applications:
        applications?.map(({ slug, disabled, enter, framedBy, openid: _, ...settings }) => ({
          slug,
          disabled: disabled ?? null,
          settings: {
            ...settings,
            everybody: enter === 'everybody',
            groups: enter === 'everybody' ? [] : enter,
            framedBy: framedBy ?? [],
          },
        })) ?? null,
    }),
  );
