output "deployment" {
  description = "What gateways, people and lots without a gateway need to know."
  value       = module.lotkeeper
}
