"""Where results go: a bucket that outlives the stack, unless told otherwise."""

from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from .outputs import once
from .pod_identity import policy

UNFINISHED_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultsArgs:
    """`bucket` names one to go on with, which this stack then neither changes nor deletes."""

    bucket: str | None = None
    keep: bool = True
    """Whether the bucket stays when the stack goes, with all that keeps it safe. An update has to have seen a change
    before `pulumi destroy` does."""
    old_versions_days: int = 30


class Results(pulumi.ComponentResource):
    """An S3 bucket: encrypted, versioned, not public, TLS only. What was changed or deleted stays for a while.

    Empty it costs nothing, and $0.021 to $0.026 a GB and month by region (guides to S3's prices, read 2026-11-21).
    """

    name: pulumi.Output[str]
    arn: pulumi.Output[str]
    """Both known once the bucket is as safe as it will be."""

    def __init__(self, name: str, args: ResultsArgs, opts: pulumi.ResourceOptions | None = None):
        super().__init__("trainyard:components:Results", name, {}, opts)
        self._kept = pulumi.ResourceOptions(parent=self, retain_on_delete=args.keep)
        self.name = self._adopted(args.bucket) if args.bucket else self._made(name, args)
        self.arn = self.name.apply(bucket_arn)
        self.register_outputs({"name": self.name})

    def _adopted(self, bucket: str) -> pulumi.Output[str]:
        """The name, known once AWS has found the bucket."""
        found = aws.s3.get_bucket_output(bucket=bucket, opts=pulumi.InvokeOptions(parent=self))
        return once(bucket, found.arn)

    def _made(self, name: str, args: ResultsArgs) -> pulumi.Output[str]:
        made = aws.s3.Bucket(f"{name}-bucket", force_destroy=not args.keep, opts=self._kept)
        bucket = made.bucket
        safe = [*self._safeguards(name, bucket), self._lifecycle(name, bucket, args.old_versions_days)]
        return once(bucket, *(one.id for one in safe))

    def _safeguards(self, name: str, bucket: pulumi.Output[str]) -> list[pulumi.CustomResource]:
        version = aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled")
        aes = aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
            sse_algorithm="AES256"
        )
        encryption = aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(apply_server_side_encryption_by_default=aes)
        owner = aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced")
        block = aws.s3.BucketPublicAccessBlock(
            f"{name}-private",
            bucket=bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept,
        )
        return [
            aws.s3.BucketVersioning(
                f"{name}-versions", bucket=bucket, versioning_configuration=version, opts=self._kept
            ),
            aws.s3.BucketServerSideEncryptionConfiguration(
                f"{name}-encryption", bucket=bucket, rules=[encryption], opts=self._kept
            ),
            aws.s3.BucketOwnershipControls(f"{name}-owner", bucket=bucket, rule=owner, opts=self._kept),
            block,
            # S3 refuses two changes of a bucket's openness at a time: the policy comes after the block
            aws.s3.BucketPolicy(
                f"{name}-tls", bucket=block.bucket, policy=block.bucket.apply(tls_only), opts=self._kept
            ),
        ]

    def _lifecycle(self, name: str, bucket: pulumi.Output[str], days: int) -> aws.s3.BucketLifecycleConfiguration:
        rule = aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="old-versions-and-unfinished-uploads",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            noncurrent_version_expiration=aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=days
            ),
            expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(expired_object_delete_marker=True),
            abort_incomplete_multipart_upload=aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                days_after_initiation=UNFINISHED_DAYS
            ),
        )
        return aws.s3.BucketLifecycleConfiguration(f"{name}-lifecycle", bucket=bucket, rules=[rule], opts=self._kept)


def bucket_arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def tls_only(bucket: str) -> str:
    """A bucket policy: nobody, the owner included, without TLS."""
    return policy(
        {
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn(bucket), f"{bucket_arn(bucket)}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    )


def use(arn: str) -> str:
    """An IAM policy document: to list the bucket, and to read, write and delete what is in it. Old versions stay."""
    objects = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    return policy(
        {"Sid": "List", "Effect": "Allow", "Action": "s3:ListBucket", "Resource": arn},
        {"Sid": "Objects", "Effect": "Allow", "Action": objects, "Resource": f"{arn}/*"},
    )
