// A thread in which passwords are checked against hashes of other systems. Its argument is how far it steps back for others.
import { setPriority } from 'node:os';
import { type Checking, check } from './check.ts';

// On Linux a priority of "this process" is the thread's alone; elsewhere all would get it.
if (process.platform === 'linux') setPriority(Number(process.argv[2]));

export default (checking: Checking): boolean => check(checking);
