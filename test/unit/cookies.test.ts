// How cookies of one name are read.
import { cookieValues } from '../../src/web/http/cookies.ts';

function read(cookie: string, accepts: (value: string) => boolean = () => true) {
  const looked: string[] = [];
  const values = cookieValues({ headers: { cookie } }, 'holdfast_session', (value) => {
    looked.push(value);
    return accepts(value);
  });
  return { values, looked };
}

test('the first four of ours count, whatever other cookies stand between them', () => {
  const { values } = read(
    'a=1; holdfast_session=x; b; holdfast_session="y"; holdfast_session_2=z; holdfast_session=no',
    (value) => value !== 'no',
  );
  expect(values).toEqual(['x', 'y']);
  expect(read('holdfast_session=a; '.repeat(9)).values).toHaveLength(4);
});

test('a header full of one name costs thirty-two looks', () => {
  const { values, looked } = read('holdfast_session=forged; '.repeat(2_000), () => false);
  expect([values, looked.length]).toEqual([[], 32]);
  expect(
    read(`${'holdfast_session=forged; '.repeat(31)}holdfast_session=ours`, (value) => value === 'ours').values,
  ).toEqual(['ours']);
});
