-- Delete a batch of the tenant's old deliveries and enhancements. Returns how many of each.
select deliveries, enhancements from forget_settled(:batch)
