// `applications`: what Holdfast stands in front of.
import { Command } from 'commander';
import { recipeCommand } from './application-recipe.ts';

export function applicationsCommand(): Command {
  return new Command('applications').description('Applications behind Holdfast').addCommand(recipeCommand());
}
