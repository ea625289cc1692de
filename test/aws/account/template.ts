/** An experiment template of FIS: it waits, which nothing notices. */
import { randomUUID } from 'node:crypto';
import type { Fis } from '@aws-sdk/client-fis';
import { known } from './network.ts';

export async function makeTemplate(fis: Fis, tags: Readonly<Record<string, string>>): Promise<string> {
  const { experimentTemplate } = await fis.createExperimentTemplate({
    clientToken: randomUUID(),
    description: 'a lab',
    roleArn: 'arn:aws:iam::123456789012:role/fis',
    stopConditions: [{ source: 'none' }],
    targets: {},
    actions: { wait: { actionId: 'aws:fis:wait', parameters: { duration: 'PT5M' } } },
    tags: { ...tags },
  });
  return known(experimentTemplate?.id, 'a template');
}
