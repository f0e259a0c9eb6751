import type { Context } from '../context.ts';

/** README.md of the folder. */
export function readmeOf({ app, options }: Pick<Context, 'app' | 'options'>, hasImports: boolean): string {
  const { project, region, prefix } = options;
  return `# ${app.name} as Terraform

${hasImports ? 'Written by `./deploy.sh --format terraform --import`' : 'Written by `./deploy.sh --format terraform`'} for project ${project}, region ${region} and prefix ${prefix}. Do not edit the files: change the app or the options and write them again. Files of your own in this folder, such as a \`backend.tf\`, stay.

| file | |
| --- | --- |
| \`main.tf.json\` | all resources, variables and outputs |
| \`source.zip\` | the source that the functions are built from |
| \`imports.tf.json\` | only with \`--import\`: what exists and is taken over |

## Before the first apply

Terraform 1.5 or later, the provider hashicorp/google 8, and gcloud with its beta commands: gcloud makes Google's service agents, and sets what the provider cannot, the dead-letter policies and retention of the subscriptions that Eventarc makes. Both need a login. Two services must be enabled before Terraform can ask for anything:

\`\`\`sh
gcloud auth login
gcloud auth application-default login
gcloud services enable serviceusage.googleapis.com cloudresourcemanager.googleapis.com --project=${project}
\`\`\`

Secrets of the functions are not made here, so that no value is in a state: make them as docs/deploy.md says.

Keep the state where your team can lock it, for example in a bucket that is not one of these:

\`\`\`hcl
terraform {
  backend "gcs" {
    bucket = "MY-STATES"
    prefix = "${prefix}"
  }
}
\`\`\`

## Apply

\`\`\`sh
terraform init
terraform plan -out=plan
terraform apply -parallelism=4 plan
terraform output -json environment
\`\`\`

In a new project, services and accounts are not known everywhere at once. If a resource fails for that reason, apply again: what is made stays.

\`./deploy.sh --verify\`, with the options that wrote this folder, reports each difference from the desired state. It also sees what Terraform does not: roles that nobody needs, and subscriptions that Eventarc made anew.

## Take over what exists

What \`./deploy.sh\` made without \`--format\`, or an earlier Terraform with another state, is taken over by import blocks:

\`\`\`sh
./deploy.sh … --format terraform --out THIS_FOLDER --import   # asks Google what exists
terraform init
terraform plan                                               # imports, and changes nothing
terraform apply
\`\`\`

Functions that run this source already keep the archive that they were built from, so that none is built again. Delete \`imports.tf.json\` after the apply, or write the folder again without \`--import\`.

## Change

Write the folder again with the new source or options, then plan and apply. The archive's name follows from its content, and functions are built again only if it differs.

## Go back

To an earlier version: check out its commit, write the folder again, plan and apply. To \`./deploy.sh\` without Terraform: just run it; both have the same desired state and names. Then forget Terraform's state, which deletes nothing, instead of destroying it.

\`terraform destroy\` deletes the deployment. Buckets with objects in them are kept, and make it fail: delete their objects, or run \`./deploy.sh --destroy\`, which keeps them. Services stay enabled, and so do Google's service agents and the clean-up policy of the images, which other deployments share.
`;
}
