//! Component versions of the Harvester releases that scenarios use.

/// What one Harvester release ships.
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    /// Without the `v`.
    pub harvester: &'static str,
    /// RKE2, which is the kubelet's version, too.
    pub kubernetes: &'static str,
    /// With the `v`.
    pub rancher: &'static str,
    /// Without the `v`.
    pub longhorn: &'static str,
    /// Of the operator and of the images.
    pub kubevirt: &'static str,
    /// Distribution part of the KubeVirt images' path.
    pub kubevirt_path: &'static str,
    /// Chart version of rancher-monitoring.
    pub monitoring: &'static str,
    /// Earliest release that may be upgraded to this one.
    pub from: &'static str,
    /// containerd.
    pub containerd: &'static str,
    /// Kernel of the host.
    pub kernel: &'static str,
    /// `VERSION_ID` of os-release.
    pub os_version: &'static str,
    /// `ID` of os-release.
    pub os_id: &'static str,
    /// Tag of support-bundle-kit.
    pub collector: &'static str,
}

/// Releases in order.
pub const RELEASES: [Release; 5] = [
    Release {
        harvester: "1.0.1",
        kubernetes: "v1.21.7+rke2r1",
        rancher: "v2.6.3-harvester1",
        longhorn: "1.2.3",
        kubevirt: "0.49.0",
        kubevirt_path: "registry.suse.com/suse/sles/15.3",
        monitoring: "100.1.0+up19.0.3",
        from: "1.0.0",
        containerd: "1.4.12-k3s1",
        kernel: "5.3.18-59.37-default",
        os_version: "15.3",
        os_id: "harvester",
        collector: "v0.0.6",
    },
    Release {
        harvester: "1.3.2",
        kubernetes: "v1.28.12+rke2r1",
        rancher: "v2.8.5",
        longhorn: "1.6.2",
        kubevirt: "1.1.1-150500.8.18.1",
        kubevirt_path: "registry.suse.com/suse/sles/15.5",
        monitoring: "103.0.3+up45.31.1",
        from: "1.3.1",
        containerd: "1.7.17-k3s1",
        kernel: "5.14.21-150500.55.73-default",
        os_version: "5.5",
        os_id: "sle-micro-rancher",
        collector: "v0.0.38",
    },
    Release {
        harvester: "1.4.0",
        kubernetes: "v1.29.9+rke2r1",
        rancher: "v2.9.2",
        longhorn: "1.7.2",
        kubevirt: "1.2.2-150500.8.21.1",
        kubevirt_path: "registry.suse.com/suse/sles/15.5",
        monitoring: "103.1.1+up45.31.1",
        from: "1.3.2",
        containerd: "1.7.21-k3s2",
        kernel: "5.14.21-150500.55.83-default",
        os_version: "5.5",
        os_id: "sle-micro-rancher",
        collector: "v0.0.46",
    },
    Release {
        harvester: "1.4.1",
        kubernetes: "v1.30.7+rke2r1",
        rancher: "v2.9.3",
        longhorn: "1.7.2",
        kubevirt: "1.2.2-150500.8.21.1",
        kubevirt_path: "registry.suse.com/suse/sles/15.5",
        monitoring: "103.1.1+up45.31.1",
        from: "1.4.0",
        containerd: "1.7.23-k3s2",
        kernel: "5.14.21-150500.55.88-default",
        os_version: "5.5",
        os_id: "sle-micro-rancher",
        collector: "v0.0.46",
    },
    Release {
        harvester: "1.5.0",
        kubernetes: "v1.32.3+rke2r1",
        rancher: "v2.11.0",
        longhorn: "1.8.1",
        kubevirt: "1.4.0-150600.5.15.1",
        kubevirt_path: "registry.suse.com/suse/sles/15.6",
        monitoring: "105.1.2+up61.3.2",
        from: "1.4.2",
        containerd: "2.0.4-k3s2",
        kernel: "6.4.0-150600.23.47-default",
        os_version: "5.5",
        os_id: "sle-micro-rancher",
        collector: "v0.0.46",
    },
];

impl Release {
    /// The release called `version`.
    pub fn named(version: &str) -> Result<&'static Release, String> {
        RELEASES
            .iter()
            .find(|release| release.harvester == version)
            .ok_or_else(|| format!("no release {version} in the writer's table"))
    }

    /// `PRETTY_NAME` of the host and `osImage` of its Node.
    pub fn os_image(&self) -> String {
        format!("Harvester v{}", self.harvester)
    }

    /// Whether this release is of the 1.0 era: empty lists are written, Longhorn v1beta1, CAPI v1alpha4.
    pub fn is_old(&self) -> bool {
        self.harvester == "1.0.1"
    }

    /// `longhorn.io/v1beta2`, before Harvester 1.1 `v1beta1`.
    pub fn longhorn_api(&self) -> &'static str {
        if self.is_old() {
            "longhorn.io/v1beta1"
        } else {
            "longhorn.io/v1beta2"
        }
    }

    /// `cluster.x-k8s.io/v1beta1`, before Harvester 1.1 `v1alpha4`.
    pub fn capi_api(&self) -> &'static str {
        if self.is_old() {
            "cluster.x-k8s.io/v1alpha4"
        } else {
            "cluster.x-k8s.io/v1beta1"
        }
    }

    /// `/etc/harvester-release.yaml` of the host, and the text of an Upgrade's `repoInfo`.
    pub fn release_fields(&self) -> Vec<(&'static str, String)> {
        vec![
            ("harvester", format!("v{}", self.harvester)),
            ("harvesterChart", self.harvester.to_owned()),
            ("os", self.os_image()),
            ("kubernetes", self.kubernetes.to_owned()),
            ("rancher", self.rancher.to_owned()),
            ("monitoringChart", self.monitoring.to_owned()),
            ("minUpgradableVersion", format!("v{}", self.from)),
        ]
    }
}
