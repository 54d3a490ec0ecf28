// What an operator puts into the proxy in front of an application.
import type { Application } from '../../../core/applications/application.ts';
import type { Recipe } from '../../view/registry-views.ts';

export function recipesOf(_application: Application): readonly Recipe[] {
  return [];
}
