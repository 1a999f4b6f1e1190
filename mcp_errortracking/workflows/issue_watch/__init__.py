"""An issue watched for new events, a reopening or a spike, over one call or several."""
