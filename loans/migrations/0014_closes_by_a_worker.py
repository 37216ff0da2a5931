
import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('loans', '0013_contracts_in_one_statement'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='MonthClose',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('month_end', models.DateField(verbose_name='last day of the month')),
                ('is_close', models.BooleanField(default=False, verbose_name='closes')),
                ('status', models.CharField(choices=[('WAITING', 'Waits for a worker'), ('RUNNING', 'The books are being proved'), ('DONE', 'Done'), ('REFUSED', 'Something does not hold'), ('FAILED', 'Broke off')], default='WAITING', max_length=8, verbose_name='status')),
                ('steps', models.PositiveSmallIntegerField(default=0, verbose_name='steps')),
                ('steps_done', models.PositiveSmallIntegerField(default=0, verbose_name='steps done')),
                ('checks', models.JSONField(default=list, verbose_name='checks')),
                ('problem', models.CharField(blank=True, max_length=300, verbose_name='problem')),
                ('claimed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False, verbose_name='created at')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='asked by')),
            ],
            options={
                'verbose_name': 'close of a month',
                'verbose_name_plural': 'closes of months',
                'constraints': [models.UniqueConstraint(condition=models.Q(('status__in', ['WAITING', 'RUNNING'])), fields=('month_end',), name='month_close_one_at_a_time')],
            },
        ),
    ]
