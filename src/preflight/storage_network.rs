//! Whether the storage network has the addresses that an upgrade takes beside those in use.

use std::net::Ipv4Addr;

use serde_json::Value;

use super::{Answer, Cluster, Fault};
use crate::finding::{Risk, Severity};
use crate::graph::ObjectView;

/// New instance managers and backing image managers run beside the old ones, and the upgrade's
/// repository may want a share manager: so many addresses must be free.
pub(super) fn check(cluster: &Cluster<'_>) -> Answer {
    let longhorn = Some("longhorn-system");
    for (group, kind, namespace) in [
        ("harvesterhci.io", "Setting", None),
        ("longhorn.io", "InstanceManager", longhorn),
        ("longhorn.io", "BackingImageManager", longhorn),
    ] {
        if let Some(reason) = cluster.lacks(group, kind, namespace) {
            return Answer::unknown(reason);
        }
    }
    let mut settings = cluster.graph.all("harvesterhci.io", "Setting");
    let setting = settings.find(|setting| setting.name() == "storage-network");
    let value = setting.and_then(|setting| setting.text(&["value"]));
    let (Some(setting), Some(value)) = (setting, value.filter(|value| !value.is_empty())) else {
        return Answer::not_applicable("there is no storage network");
    };
    let Ok(value) = serde_json::from_str::<Value>(value) else {
        return Answer::unknown("the value of setting storage-network is no JSON");
    };
    let Some(range) = value.get("range").and_then(Value::as_str) else {
        return Answer::not_applicable("there is no storage network");
    };
    let exclude = value.get("exclude").and_then(Value::as_array);
    let exclude: Vec<&str> = exclude
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let Some(usable) = usable(range, &exclude) else {
        return Answer::unknown(format!("how many addresses {range} has is not known here"));
    };
    if let Some(reason) = cluster.lacks("whereabouts.cni.cncf.io", "IPPool", Some("kube-system")) {
        return Answer::unknown(reason);
    }
    let mut pools = cluster.graph.all("whereabouts.cni.cncf.io", "IPPool");
    let Some(pool) = pools.find(|pool| pool.text(&["spec", "range"]) == Some(range)) else {
        return Answer::unknown(format!("no IPPool of the range {range} is in the bundle"));
    };
    let taken = pool.field(&["spec", "allocations"]);
    let taken = taken.map_or(0, |taken| taken.entries().count()) as u64;
    let count = |kind: &str| cluster.graph.all("longhorn.io", kind).count() as u64;
    let shares = u64::from(count("ShareManager") > 0);
    let needed = count("InstanceManager") + count("BackingImageManager") + shares;
    let free = usable.saturating_sub(taken);
    if free >= needed {
        return Answer::default();
    }
    Answer::fault(fault(cluster, setting, pool, [free, needed, usable]))
}

fn fault(
    cluster: &Cluster<'_>,
    setting: ObjectView<'_>,
    pool: ObjectView<'_>,
    [free, needed, usable]: [u64; 3],
) -> Fault {
    Fault::new(
        Severity::Warning,
        format!("The storage network has {free} free addresses, and an upgrade may take {needed}"),
    )
    .about(setting)
    .saying(format!(
        "Of {usable} addresses {} are taken. New instance managers and backing image managers run beside the old ones.",
        usable - free
    ))
    .seen(cluster.evidence(setting, "value"))
    .seen(cluster.evidence(pool, "spec.range"))
    .remedied(
        Risk::Disruptive,
        "Give the storage network a wider range; all VMs must be stopped for that.",
        Some("kubectl edit settings.harvesterhci.io storage-network"),
    )
}

/// Addresses of a range that can be given out, those of the excluded ranges aside. `None` for what
/// is no IPv4 range.
fn usable(range: &str, exclude: &[&str]) -> Option<u64> {
    let (first, last) = bounds(range)?;
    // Whereabouts gives out neither the network's own address nor the broadcast address.
    let (first, last) = (first + 1, last.checked_sub(1)?);
    let mut holes: Vec<(u64, u64)> = exclude
        .iter()
        .map(|hole| bounds(hole))
        .collect::<Option<_>>()?;
    holes.sort_unstable();
    let (mut next, mut count) = (first, 0);
    for (from, to) in holes {
        count += from.min(last + 1).saturating_sub(next);
        next = next.max(to + 1);
    }
    Some(count + (last + 1).saturating_sub(next))
}

fn bounds(range: &str) -> Option<(u64, u64)> {
    let (address, length) = range.split_once('/')?;
    let address = u64::from(u32::from(address.parse::<Ipv4Addr>().ok()?));
    let length: u32 = length.parse().ok().filter(|length| *length <= 32)?;
    let size = 1_u64 << (32 - length);
    let first = address / size * size;
    Some((first, first + size - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preflight::tests::on;

    #[test]
    fn addresses_are_counted_once() {
        for (range, exclude, count) in [
            ("192.168.1.0/24", vec![], Some(254)),
            ("192.168.1.0/28", vec![], Some(14)),
            ("192.168.1.7/28", vec!["192.168.1.0/30"], Some(11)),
            (
                "192.168.1.0/28",
                vec!["192.168.1.0/30", "192.168.1.2/32"],
                Some(11),
            ),
            ("192.168.1.0/28", vec!["192.168.2.0/24"], Some(14)),
            ("192.168.1.0/28", vec!["192.168.0.0/16"], Some(0)),
            ("192.168.1.0/28", vec!["nonsense"], None),
            ("fd00::/64", vec![], None),
        ] {
            assert_eq!(
                usable(range, &exclude),
                count,
                "{range} without {exclude:?}"
            );
        }
    }

    #[test]
    fn an_upgrade_takes_as_many_again() {
        for (length, title) in [
            (28, None),
            (
                29,
                Some("The storage network has 1 free addresses, and an upgrade may take 2"),
            ),
        ] {
            let objects = format!(
                r#"
kind: Setting
apiVersion: harvesterhci.io/v1beta1
metadata: {{ name: storage-network }}
value: '{{"vlan":7,"clusterNetwork":"c","range":"10.7.0.0/{length}"}}'
---
kind: IPPool
apiVersion: whereabouts.cni.cncf.io/v1alpha1
metadata: {{ name: pool, namespace: kube-system }}
spec: {{ range: 10.7.0.0/{length}, allocations: {{ "1": {{}}, "2": {{}}, "3": {{}}, "4": {{}}, "5": {{}} }} }}
---
kind: InstanceManager
apiVersion: longhorn.io/v1beta2
metadata: {{ name: i1, namespace: longhorn-system }}
---
kind: InstanceManager
apiVersion: longhorn.io/v1beta2
metadata: {{ name: i2, namespace: longhorn-system }}
"#
            );
            on(&objects, |cluster| {
                let titles: Vec<String> = check(cluster)
                    .faults
                    .into_iter()
                    .map(|it| it.title)
                    .collect();
                assert_eq!(titles, title.into_iter().collect::<Vec<_>>(), "{length}");
            });
        }
    }
}
