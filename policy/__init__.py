"""What no stack may do, as rules over its resources: `pulumi preview --policy-pack policy` holds a preview to them."""
