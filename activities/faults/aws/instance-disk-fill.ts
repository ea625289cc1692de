/** `aws/instance-disk-fill`: a file system of an instance is filled. */
import { instanceDiskFill } from './on-instance/params.ts';
import { scriptFault } from './script-fault.ts';

export const driver = scriptFault({
  ...instanceDiskFill,
  kind: 'aws/instance-disk-fill',
  summary: 'A file system of an instance is filled up to a share of it, by a script that its SSM agent runs.',
  undo: 'the instance closes the file, which has no name: when it is told to, when it is not renewed, or when who holds it dies',
});
